import {
  embedding,
  type EmbeddingParams,
  layerNorm,
  type LayerNormParams,
  linear,
  type LinearParams,
  normal,
} from "@dipp/nn";
import { clipEncoderLayer, type CLIPEncoderLayerParams, patchEmbed } from "@dipp/scores";
import { cat, fold, type Tensor } from "@dipp/tensor";
import { type CLIPVisionConfig, parseCLIPVisionConfig } from "./clip_config.ts";

/** Parameters of {@linkcode CLIPVisionModel}, with transformers' names. */
export type CLIPVisionParams = {
  /** The transformer. */
  vision_model: {
    /** The class token `[D]`, the patches' projection and the table of positions, the class token's first. */
    embeddings: {
      class_embedding: Tensor;
      patch_embedding: { weight: Tensor };
      position_embedding: EmbeddingParams;
    };
    /** The norm before the layers; transformers' spelling. */
    pre_layrnorm: LayerNormParams;
    /** The layers. */
    encoder: { layers: CLIPEncoderLayerParams[] };
    /** The norm of the class token. */
    post_layernorm: LayerNormParams;
  };
  /** Projection of the pooled image, `[projection_dim, D]`, no bias. */
  visual_projection: LinearParams;
};

/** What {@linkcode CLIPVisionModel} gives. */
export interface CLIPVisionEncoding {
  /** Class token, then patches, before the last norm, `[B, 1 + patches, D]`. */
  readonly lastHiddenState: Tensor;
  /** The normalised class token, `[B, D]`. */
  readonly poolerOutput: Tensor;
  /** Its projection, not yet of unit length, `[B, projection_dim]`. */
  readonly imageEmbeds: Tensor;
}

/**
 * CLIP's vision transformer with its projection (Radford et al. 2021). Configuration, parameter names and results are
 * those of transformers' `CLIPVisionModelWithProjection`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CLIPVisionModel } from "@dipp/rewards";
 * import { key, uniform } from "@dipp/tensor";
 *
 * const config = { hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1, image_size: 8, patch_size: 4 };
 * const encoder = new CLIPVisionModel({ ...config, projection_dim: 6 });
 * const { imageEmbeds } = encoder.apply(encoder.init(key(0)), uniform(key(1), [2, 3, 8, 8]));
 * assertEquals(imageEmbeds.shape, [2, 6]);
 * ```
 */
export class CLIPVisionModel {
  /** The complete configuration. */
  readonly config: CLIPVisionConfig;
  /** Names in released checkpoints that are no parameters. */
  readonly ignored: RegExp = /position_ids$/;

  /**
   * Checks the configuration.
   *
   * @param config transformers' `config.json`, or part of it; see {@linkcode CLIPVisionConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseCLIPVisionConfig(config);
  }

  /**
   * Draws parameters as CLIP does.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): CLIPVisionParams {
    const { config } = this;
    const { hidden_size: width, num_channels, patch_size: patch, num_hidden_layers, projection_dim } = config;
    const positions = (config.image_size / patch) ** 2 + 1;
    return {
      vision_model: {
        embeddings: {
          class_embedding: normal(fold(key, 0), [width], width ** -0.5),
          patch_embedding: { weight: normal(fold(key, 1), [width, num_channels, patch, patch], 0.02) },
          position_embedding: embedding.init(fold(key, 2), positions, width, 0.02),
        },
        pre_layrnorm: layerNorm.init(width),
        encoder: {
          layers: Array.from(
            { length: num_hidden_layers },
            (_, i) => clipEncoderLayer.init(fold(fold(key, 3), i), config),
          ),
        },
        post_layernorm: layerNorm.init(width),
      },
      visual_projection: { weight: normal(fold(key, 4), [projection_dim, width], width ** -0.5) },
    };
  }

  /**
   * Encodes images.
   *
   * @param params The parameters.
   * @param pixelValues Normalised images, `[B, C, image_size, image_size]`.
   * @returns See {@linkcode CLIPVisionEncoding}.
   * @throws {TypeError} When the images have another shape.
   */
  apply(params: CLIPVisionParams, pixelValues: Tensor): CLIPVisionEncoding {
    const { num_channels: channels, image_size: size, layer_norm_eps: eps } = this.config;
    if (pixelValues.ndim !== 4 || `${pixelValues.shape.slice(1)}` !== `${[channels, size, size]}`) {
      throw new TypeError(
        `CLIPVisionModel cannot encode [${pixelValues.shape}]: expected [B, ${channels}, ${size}, ${size}]`,
      );
    }
    const { embeddings, pre_layrnorm, encoder, post_layernorm } = params.vision_model;
    const patches = patchEmbed.apply({ proj: embeddings.patch_embedding }, pixelValues);
    const [batch, , width] = patches.shape;
    const cls = embeddings.class_embedding.expand([batch, 1, width]);
    let x = cat([cls, patches], 1).add(embeddings.position_embedding.weight);
    x = layerNorm.apply(pre_layrnorm, x, eps);
    for (const layer of encoder.layers) x = clipEncoderLayer.apply(layer, x, this.config, { causal: false });
    const poolerOutput = layerNorm.apply(post_layernorm, x.select(1, 0), eps);
    return { lastHiddenState: x, poolerOutput, imageEmbeds: linear.apply(params.visual_projection, poolerOutput) };
  }
}
