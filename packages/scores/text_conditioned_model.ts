import type { Params } from "@dipp/nn";
import { fold, type Tensor, zeros } from "@dipp/tensor";
import { z } from "zod";
import { parseConfig } from "./networks/config_error.ts";
import { PixArtTransformer2DModel } from "./networks/pixart_transformer_2d.ts";
import { UNet2DConditionModel } from "./networks/unet_2d_condition.ts";
import type { Cond, ForwardOptions, Network } from "./types.ts";
import { WordEmbedder, type WordEmbedderParams } from "./word_embedder.ts";

/** The configuration of {@linkcode TextConditionedModel}. */
export interface TextConditionedModelConfig {
  /** `"dit"`: PixArtTransformer2DModel; `"unet"`: UNet2DConditionModel. */
  network: "dit" | "unet";
  /** That network's configuration; the width of its condition is the embedder's. */
  config: Record<string, unknown>;
  /** Number of token ids, the padding 0 among them. */
  vocabulary_size: number;
  /** Tokens of the longest prompt. */
  max_length: number;
}

const schema = z.strictObject({
  network: z.enum(["dit", "unet"]),
  config: z.record(z.string(), z.unknown()),
  vocabulary_size: z.number().int().positive(),
  max_length: z.number().int().positive(),
});

/**
 * A network with a word embedder of its own, from one JSON object: teacher,
 * fake score and generator are this class with three sets of parameters. Its
 * condition is token ids. Parameters are the network's, with the embedder's
 * under `text_embedder`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { full, key, tensor, zeros } from "@dipp/tensor";
 * import { bind, edmModel, guided, OneStepGenerator, TextConditionedModel } from "@dipp/scores";
 *
 * const model = new TextConditionedModel({
 *   network: "dit",
 *   config: {
 *     num_attention_heads: 2,
 *     attention_head_dim: 8,
 *     num_layers: 1,
 *     in_channels: 3,
 *     out_channels: 3,
 *     sample_size: 32,
 *     patch_size: 4,
 *     caption_channels: 16,
 *   },
 *   vocabulary_size: 100,
 *   max_length: 4,
 * });
 * const params = model.init(key(0));
 * const teacher = guided(edmModel(bind(model, params)), 1.5, model.nullCond());
 * const cond = { ids: tensor(new Int32Array([7, 3, 0, 0]), [1, 4]) };
 * const x0 = teacher.predict(zeros([1, 3, 32, 32]), full([1], 2.5), cond).x0;
 * assertEquals(x0.shape, [1, 3, 32, 32]);
 * ```
 */
export class TextConditionedModel implements Network {
  /** The configuration, as given. */
  readonly config: TextConditionedModelConfig;
  /** The network. */
  readonly network: PixArtTransformer2DModel | UNet2DConditionModel;
  /** The word embedder. */
  readonly embedder: WordEmbedder;

  /**
   * Checks the configuration and makes network and embedder.
   *
   * @param config See {@linkcode TextConditionedModelConfig}.
   * @throws {TypeError} When a field is wrong, unknown or not supported.
   */
  constructor(config: unknown) {
    this.config = parseConfig(schema, config, "TextConditionedModel");
    this.network = this.config.network === "dit"
      ? new PixArtTransformer2DModel(this.config.config)
      : new UNet2DConditionModel(this.config.config);
    this.embedder = new WordEmbedder({
      vocabularySize: this.config.vocabulary_size,
      maxLength: this.config.max_length,
      width: this.network instanceof PixArtTransformer2DModel
        ? this.network.config.caption_channels
        : this.network.config.cross_attention_dim,
    });
  }

  /**
   * Draws parameters of the network and the embedder.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): Record<string, Params> {
    return {
      ...this.network.init(fold(key, 0)),
      text_embedder: this.embedder.init(fold(key, 1)),
    };
  }

  /**
   * Runs embedder and network.
   *
   * @param params The parameters.
   * @param x Sample, `[B, C, H, W]`.
   * @param t Timestep (c_noise under EDM), `[B]`.
   * @param cond A condition with `ids`, i32 `[B, L]`.
   * @param options See {@linkcode ForwardOptions}.
   * @returns The network's output, `[B, C', H, W]`.
   */
  forward(
    params: Record<string, Params>,
    x: Tensor,
    t: Tensor,
    cond: Cond,
    options: ForwardOptions = {},
  ): Tensor {
    if (!cond.ids) {
      throw new TypeError(
        `TextConditionedModel needs a condition with ids, got [${Object.keys(cond)}]`,
      );
    }
    const { text_embedder, ...network } = params;
    const embedded = this.embedder.apply(
      text_embedder as WordEmbedderParams,
      cond.ids,
    );
    return (this.network as Network).forward(network, x, t, embedded, options);
  }

  /**
   * The null condition: an all-padding prompt.
   *
   * @param batch Number of rows.
   * @returns Ids of zeros, `[batch, max_length]`.
   */
  nullCond(batch = 1): Cond {
    return { ids: zeros([batch, this.config.max_length], "i32") };
  }
}
