import { layerNorm, linear, type LinearParams, zerosLike } from "@dipp/nn";
import { fold, randn, type Tensor } from "@dipp/tensor";
import type { Cond, ForwardOptions, Network } from "../types.ts";
import { batchTimestep } from "./batch_timestep.ts";
import { maskBias } from "./mask_bias.ts";
import { modulate } from "./modulate.ts";
import * as adalnSingle from "./pixart/adaln_single.ts";
import type { AdaLNSingleParams, AddedCond } from "./pixart/adaln_single.ts";
import { parsePixArtConfig, type PixArtTransformer2DConfig } from "./pixart/config.ts";
import * as patchEmbed from "./patch_embed.ts";
import type { PatchEmbedParams } from "./patch_embed.ts";
import { PositionTables } from "./position_table.ts";
import { blockRunner } from "./run_block.ts";
import * as textProjection from "./pixart/text_projection.ts";
import type { TextProjectionParams } from "./pixart/text_projection.ts";
import * as block from "./pixart/transformer_block.ts";
import type { PixArtBlockParams } from "./pixart/transformer_block.ts";

/** Parameters of {@linkcode PixArtTransformer2DModel}, with diffusers' names. */
export type PixArtTransformer2DParams = {
  /** Shift and scale of the last norm, `[2, D]`. */
  scale_shift_table: Tensor;
  /** The patches' projection. */
  pos_embed: PatchEmbedParams;
  /** The blocks. */
  transformer_blocks: PixArtBlockParams[];
  /** Tokens to patches. */
  proj_out: LinearParams;
  /** The modulation that the blocks share. */
  adaln_single: AdaLNSingleParams;
  /** The caption's projection. */
  caption_projection: TextProjectionParams;
};

/** The inputs of {@linkcode PixArtTransformer2DModel}. */
export interface PixArtTransformer2DInputs {
  /** Noisy sample, `[B, C, H, W]`; H and W multiples of the patch. */
  readonly sample: Tensor;
  /** A number, or one a sample, `[B]`. */
  readonly timestep: Tensor | number;
  /** Encoded caption, `[B, L, caption_channels]`. */
  readonly encoderHiddenStates: Tensor;
  /** Which positions of the caption count, `[B, L]`, true or 1 = keep. */
  readonly encoderAttentionMask?: Tensor;
  /** The image's size, for models with `use_additional_conditions`. */
  readonly addedCondKwargs?: AddedCond;
}

/**
 * The diffusion transformer of PixArt-alpha at any size: patches as tokens,
 * one shared modulation (AdaLN-single), cross-attention to the caption (Chen
 * et al. 2023). Configuration, parameter names and results are those of
 * diffusers' `PixArtTransformer2DModel`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, zeros } from "@dipp/tensor";
 * import { PixArtTransformer2DModel } from "@dipp/scores";
 *
 * const dit = new PixArtTransformer2DModel({
 *   num_attention_heads: 2,
 *   attention_head_dim: 8,
 *   num_layers: 1,
 *   in_channels: 3,
 *   out_channels: 3,
 *   sample_size: 32,
 *   patch_size: 4,
 *   caption_channels: 16,
 * });
 * const out = dit.apply(dit.init(key(0)), {
 *   sample: zeros([1, 3, 32, 32]),
 *   timestep: 10,
 *   encoderHiddenStates: zeros([1, 5, 16]),
 * });
 * assertEquals(out.shape, [1, 3, 32, 32]);
 * ```
 */
export class PixArtTransformer2DModel implements Network {
  /** The complete configuration. */
  readonly config: PixArtTransformer2DConfig;
  readonly #tables: PositionTables;

  /**
   * Checks the configuration.
   *
   * @param config diffusers' `config.json`, or part of it; see
   *   {@linkcode PixArtTransformer2DConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parsePixArtConfig(config);
    const { num_attention_heads, attention_head_dim, sample_size, patch_size, interpolation_scale } = this.config;
    this.#tables = new PositionTables(
      num_attention_heads * attention_head_dim,
      Math.floor(sample_size / patch_size),
      interpolation_scale ?? Math.max(Math.floor(sample_size / 64), 1),
    );
  }

  /**
   * Draws parameters as PixArt does; the projection to patches starts at zero.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): PixArtTransformer2DParams {
    const { config } = this;
    const width = config.num_attention_heads * config.attention_head_dim;
    const patch = config.patch_size;
    return {
      scale_shift_table: randn(fold(key, 0), [2, width]).div(Math.sqrt(width)),
      pos_embed: patchEmbed.init(fold(key, 1), config.in_channels, patch, width),
      transformer_blocks: Array.from(
        { length: config.num_layers },
        (_, i) => block.init(fold(fold(key, 2), i), config),
      ),
      proj_out: zerosLike(
        linear.init(key, width, patch * patch * config.out_channels),
      ),
      adaln_single: adalnSingle.init(
        fold(key, 3),
        width,
        config.use_additional_conditions,
      ),
      caption_projection: textProjection.init(
        fold(key, 4),
        config.caption_channels,
        width,
      ),
    };
  }

  /**
   * Runs the network.
   *
   * @param params The parameters.
   * @param inputs Sample, timestep and condition.
   * @param options See {@linkcode ForwardOptions}.
   * @returns The output, `[B, out_channels, H, W]`.
   */
  apply(
    params: PixArtTransformer2DParams,
    inputs: PixArtTransformer2DInputs,
    options: ForwardOptions = {},
  ): Tensor {
    const { config } = this;
    const { sample, encoderAttentionMask } = inputs;
    const [rows, columns] = patchEmbed.grid(sample, config.patch_size);
    const t = batchTimestep(inputs.timestep, sample.shape[0]);
    const { modulation, embedding } = adalnSingle.apply(
      params.adaln_single,
      t,
      inputs.addedCondKwargs,
    );
    const caption = textProjection.apply(
      params.caption_projection,
      inputs.encoderHiddenStates,
    );
    const mask = encoderAttentionMask && maskBias(encoderAttentionMask);

    let x = patchEmbed.apply(params.pos_embed, sample).add(this.positions(rows, columns));
    const run = blockRunner(options.checkpoint);
    const shape = { mask, heads: config.num_attention_heads, eps: config.norm_eps };
    for (const layer of params.transformer_blocks) {
      x = run(
        (p, x, modulation, caption) => block.apply(p, x, { ...shape, modulation, caption }),
        layer,
        ...[x, modulation, caption],
      );
    }
    const table = params.scale_shift_table.unsqueeze(0).add(
      embedding.unsqueeze(1),
    );
    const [shift, scale] = [0, 1].map((i) => table.slice([null, [i, i + 1]]));
    x = modulate(
      layerNorm.apply({}, x, config.norm_eps),
      shift,
      scale,
    );
    return patchEmbed.unpatchify(linear.apply(params.proj_out, x), rows, columns, config.patch_size);
  }

  /**
   * The position table for a grid of patches; see {@linkcode positionTable}.
   *
   * @param rows Patches down.
   * @param columns Patches across.
   * @returns `[1, rows * columns, D]`.
   */
  positions(rows: number, columns: number): Tensor {
    return this.#tables.at(rows, columns);
  }

  /**
   * The same for score models: needs `cond.embeds`, uses `cond.mask`,
   * `cond.resolution` and `cond.aspectRatio`.
   *
   * @param params The parameters.
   * @param x Sample, `[B, C, H, W]`.
   * @param t Timestep, `[B]`.
   * @param cond The condition.
   * @param options See {@linkcode ForwardOptions}.
   * @returns The output, `[B, out_channels, H, W]`.
   */
  forward(
    params: PixArtTransformer2DParams,
    x: Tensor,
    t: Tensor,
    cond: Cond,
    options: ForwardOptions = {},
  ): Tensor {
    const { embeds, mask, resolution, aspectRatio } = cond;
    if (!embeds) {
      throw new TypeError(
        `PixArtTransformer2DModel needs a condition with embeds, got [${Object.keys(cond)}]`,
      );
    }
    return this.apply(params, {
      sample: x,
      timestep: t,
      encoderHiddenStates: embeds,
      encoderAttentionMask: mask,
      addedCondKwargs: resolution && aspectRatio && { resolution, aspectRatio },
    }, options);
  }
}
