import { embedding, type EmbeddingParams, layerNorm, type LayerNormParams } from "@dipp/nn";
import { type BertConfig, bertLayer, type BertLayerParams, parseBertConfig, type TextInputs } from "@dipp/scores";
import { fold, ones, type Tensor } from "@dipp/tensor";
import { type BlipVisionConfig, type BlipVisionParams, BlipVisionTransformer } from "./blip_vision.ts";
import * as linearStack from "./linear_stack.ts";
import type { LinearStackParams } from "./linear_stack.ts";

/** The size of an {@linkcode ImageRewardNetwork} and the scale of its scores. */
export interface ImageRewardConfig {
  /** The vision transformer. */
  readonly vision_config: BlipVisionConfig;
  /** The text encoder: transformers' configuration of BERT, `med_config.json` of the release. */
  readonly med_config: Readonly<Record<string, unknown>>;
  /** Mean of the raw scores, which is subtracted. */
  readonly reward_mean: number;
  /** Their standard deviation, which divides. */
  readonly reward_std: number;
}

/** ImageReward v1.0: ViT-L/16, BERT-base with two more tokens, and the constants of the official code. */
export const IMAGE_REWARD_CONFIG: ImageRewardConfig = {
  vision_config: {
    image_size: 224,
    patch_size: 16,
    embed_dim: 1024,
    depth: 24,
    num_heads: 16,
    mlp_ratio: 4,
    layer_norm_eps: 1e-6,
    qkv_bias: true,
  },
  med_config: { vocab_size: 30524 },
  reward_mean: 0.16717362830052426,
  reward_std: 1.0333394966054072,
};

/** Parameters of an {@linkcode ImageRewardNetwork}, with the names of the release. */
export type ImageRewardParams = {
  /** What BLIP contributes. */
  blip: {
    /** Images to tokens. */
    visual_encoder: BlipVisionParams;
    /** BERT, whose every layer attends to the tokens of the image. */
    text_encoder: {
      embeddings: {
        word_embeddings: EmbeddingParams;
        position_embeddings: EmbeddingParams;
        LayerNorm: LayerNormParams;
      };
      encoder: { layer: BertLayerParams[] };
    };
  };
  /** The head. */
  mlp: LinearStackParams;
};

/** What an {@linkcode ImageRewardNetwork} gives. */
export interface ImageRewardEncoding {
  /** Tokens of the images, `[B, 1 + patches, D]`. */
  readonly imageEmbeds: Tensor;
  /** Tokens of the texts that have seen the images, `[B, L, D']`. */
  readonly textStates: Tensor;
  /** The head's output, `[B, 1]`. */
  readonly raw: Tensor;
  /** (raw - mean) / std, `[B, 1]`. */
  readonly reward: Tensor;
}

/** What is subtracted from the logits of keys that are padding. */
const NEVER = 10000;

/**
 * ImageReward (Xu et al. 2023): BLIP's image-grounded text encoder with a head on the first token.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { IMAGE_REWARD_CONFIG, ImageRewardNetwork } from "@dipp/rewards";
 * import { key, tensor, uniform } from "@dipp/tensor";
 *
 * const { vision_config, ...rest } = IMAGE_REWARD_CONFIG;
 * const network = new ImageRewardNetwork({
 *   ...rest,
 *   vision_config: { ...vision_config, image_size: 8, patch_size: 4, embed_dim: 8, depth: 1, num_heads: 2 },
 *   med_config: { vocab_size: 12, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 },
 * });
 * const inputs = { inputIds: tensor([[1, 5, 2]], [1, 3], "i32") };
 * assertEquals(network.apply(network.init(key(0)), uniform(key(1), [1, 3, 8, 8]), inputs).reward.shape, [1, 1]);
 * ```
 */
export class ImageRewardNetwork {
  /** Size and scale. */
  readonly config: ImageRewardConfig;
  /** The text encoder's configuration, complete. */
  readonly text: BertConfig;
  /** The vision transformer. */
  readonly vision: BlipVisionTransformer;
  /** Names in the release that are no parameters, or take no part. */
  readonly ignored: RegExp = /position_ids$|^blip\.(vision|text)_proj\./;

  /**
   * Checks the configuration.
   *
   * @param config See {@linkcode ImageRewardConfig}; by default that of the release.
   * @throws {TypeError} When the text encoder's configuration is wrong.
   * @throws {RangeError} When `reward_std` is not positive.
   */
  constructor(config: ImageRewardConfig = IMAGE_REWARD_CONFIG) {
    if (!(config.reward_std > 0)) {
      throw new RangeError(`ImageRewardNetwork: reward_std is ${config.reward_std}, expected a positive number`);
    }
    this.config = config;
    this.text = parseBertConfig(config.med_config);
    this.vision = new BlipVisionTransformer(config.vision_config);
  }

  /** Draws parameters from a random key. */
  init(key: Tensor): ImageRewardParams {
    const { text } = this;
    const width = text.hidden_size, context = this.config.vision_config.embed_dim;
    const table = (n: number, rows: number) => embedding.init(fold(key, n), rows, width, bertLayer.STD);
    return {
      blip: {
        visual_encoder: this.vision.init(fold(key, 0)),
        text_encoder: {
          embeddings: {
            word_embeddings: table(1, text.vocab_size),
            position_embeddings: table(2, text.max_position_embeddings),
            LayerNorm: layerNorm.init(width),
          },
          encoder: {
            layer: Array.from(
              { length: text.num_hidden_layers },
              (_, i) => bertLayer.init(fold(fold(key, 3), i), text, context),
            ),
          },
        },
      },
      mlp: linearStack.init(fold(key, 4), width),
    };
  }

  /**
   * Scores images under texts.
   *
   * @param params The parameters.
   * @param images Normalised, `[B, 3, image_size, image_size]`.
   * @param inputs Ids `[B, L]` and mask; `[CLS]` first.
   * @returns See {@linkcode ImageRewardEncoding}.
   * @throws {RangeError} When there are more tokens than positions.
   */
  apply(params: ImageRewardParams, images: Tensor, inputs: TextInputs): ImageRewardEncoding {
    const { inputIds, attentionMask = ones(inputIds.shape) } = inputs;
    const { embeddings, encoder } = params.blip.text_encoder;
    const length = inputIds.shape[1];
    if (length > this.text.max_position_embeddings) {
      throw new RangeError(
        `ImageRewardNetwork cannot read ${length} tokens: expected at most ${this.text.max_position_embeddings}`,
      );
    }
    const imageEmbeds = this.vision.apply(params.blip.visual_encoder, images);
    const mask = attentionMask.ne(0).cast("f32").sub(1).mul(NEVER);
    const positions = embeddings.position_embeddings.weight.slice([[0, length]]);
    let x = embedding.apply(embeddings.word_embeddings, inputIds).add(positions);
    x = layerNorm.apply(embeddings.LayerNorm, x, this.text.layer_norm_eps);
    for (const layer of encoder.layer) x = bertLayer.apply(layer, x, this.text, { mask, context: imageEmbeds });
    const raw = linearStack.apply(params.mlp, x.select(1, 0));
    const reward = raw.sub(this.config.reward_mean).div(this.config.reward_std);
    return { imageEmbeds, textStates: x, raw, reward };
  }
}
