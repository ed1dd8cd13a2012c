import { layerNorm, linear, type LinearParams, zerosLike } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import type { Cond, ForwardOptions, Network } from "../types.ts";
import { batchTimestep } from "./batch_timestep.ts";
import * as adalnZero from "./dit/adaln_zero.ts";
import { type DiTTransformer2DConfig, parseDiTConfig } from "./dit/config.ts";
import * as block from "./dit/transformer_block.ts";
import type { DiTBlockParams } from "./dit/transformer_block.ts";
import { modulate } from "./modulate.ts";
import * as patchEmbed from "./patch_embed.ts";
import type { PatchEmbedParams } from "./patch_embed.ts";
import { PositionTables } from "./position_table.ts";
import { blockRunner } from "./run_block.ts";

/** Parameters of {@linkcode DiTTransformer2DModel}, with diffusers' names. */
export type DiTTransformer2DParams = {
  /** The patches' projection. */
  pos_embed: PatchEmbedParams;
  /** The blocks. */
  transformer_blocks: DiTBlockParams[];
  /** Embedding to shift and scale of the last norm. */
  proj_out_1: LinearParams;
  /** Tokens to patches. */
  proj_out_2: LinearParams;
};

/** The inputs of {@linkcode DiTTransformer2DModel}. */
export interface DiTTransformer2DInputs {
  /** Noisy sample, `[B, C, H, W]`; H and W multiples of the patch. */
  readonly sample: Tensor;
  /** A number, or one a sample, `[B]`. */
  readonly timestep: Tensor | number;
  /** Class of each sample, integers `[B]`; the number of classes stands for none. */
  readonly classLabels: Tensor;
}

/**
 * The class-conditional diffusion transformer at any size: patches as tokens, every block modulated by timestep and
 * class (Peebles and Xie 2023). Configuration, parameter names and results are those of diffusers'
 * `DiTTransformer2DModel`, which takes square samples only.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, tensor, zeros } from "@dipp/tensor";
 * import { DiTTransformer2DModel } from "@dipp/scores";
 *
 * const dit = new DiTTransformer2DModel({
 *   num_attention_heads: 2,
 *   attention_head_dim: 8,
 *   num_layers: 1,
 *   sample_size: 8,
 *   num_embeds_ada_norm: 10,
 * });
 * const out = dit.apply(dit.init(key(0)), {
 *   sample: zeros([2, 4, 8, 8]),
 *   timestep: 10,
 *   classLabels: tensor(new Int32Array([3, 10])),
 * });
 * assertEquals(out.shape, [2, 4, 8, 8]);
 * ```
 */
export class DiTTransformer2DModel implements Network {
  /** The complete configuration. */
  readonly config: DiTTransformer2DConfig;
  readonly #width: number;
  readonly #tables: PositionTables;

  /**
   * Checks the configuration.
   *
   * @param config diffusers' `config.json`, or part of it; see {@linkcode DiTTransformer2DConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseDiTConfig(config);
    const { num_attention_heads, attention_head_dim, sample_size, patch_size } = this.config;
    this.#width = num_attention_heads * attention_head_dim;
    this.#tables = new PositionTables(this.#width, Math.floor(sample_size / patch_size), 1);
  }

  /**
   * Draws parameters as DiT does; modulations and the projection to patches start at zero.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): DiTTransformer2DParams {
    const { config } = this;
    const width = this.#width;
    const patch = config.patch_size;
    return {
      pos_embed: patchEmbed.init(fold(key, 0), config.in_channels, patch, width),
      transformer_blocks: Array.from(
        { length: config.num_layers },
        (_, i) => block.init(fold(fold(key, 1), i), config),
      ),
      proj_out_1: zerosLike(linear.init(key, width, 2 * width)),
      proj_out_2: zerosLike(linear.init(key, width, patch * patch * config.out_channels)),
    };
  }

  /**
   * Runs the network.
   *
   * @param params The parameters.
   * @param inputs Sample, timestep and class.
   * @param options See {@linkcode ForwardOptions}.
   * @returns The output, `[B, out_channels, H, W]`.
   * @throws {TypeError} When there is not one class a sample.
   * @throws {RangeError} When the patch does not divide height and width.
   */
  apply(params: DiTTransformer2DParams, inputs: DiTTransformer2DInputs, options: ForwardOptions = {}): Tensor {
    const { config } = this;
    const { sample, classLabels } = inputs;
    const batch = sample.shape[0];
    if (classLabels.shape.join() !== `${batch}` || !/^[iu]/.test(classLabels.dtype)) {
      throw new TypeError(`Class labels must be integers [${batch}], got ${classLabels.dtype} [${classLabels.shape}]`);
    }
    const [rows, columns] = patchEmbed.grid(sample, config.patch_size);
    const t = batchTimestep(inputs.timestep, batch);

    let x = patchEmbed.apply(params.pos_embed, sample).add(this.#tables.at(rows, columns));
    const run = blockRunner(options.checkpoint);
    for (const layer of params.transformer_blocks) {
      x = run((p, x) => block.apply(p, x, t, classLabels, config), layer, x);
    }
    const embedding = adalnZero.embed(params.transformer_blocks[0].norm1, t, classLabels);
    const [shift, scale] = linear.apply(params.proj_out_1, embedding.silu()).unsqueeze(1).chunk(2, 2);
    x = modulate(layerNorm.apply({}, x, block.EPS), shift, scale);
    return patchEmbed.unpatchify(linear.apply(params.proj_out_2, x), rows, columns, config.patch_size);
  }

  /**
   * The same for score models: needs `cond.classLabels`.
   *
   * @param params The parameters.
   * @param x Sample, `[B, C, H, W]`.
   * @param t Timestep, `[B]`.
   * @param cond The condition.
   * @param options See {@linkcode ForwardOptions}.
   * @returns The output, `[B, out_channels, H, W]`.
   */
  forward(params: DiTTransformer2DParams, x: Tensor, t: Tensor, cond: Cond, options: ForwardOptions = {}): Tensor {
    if (!cond.classLabels) {
      throw new TypeError(
        `DiTTransformer2DModel needs a condition with classLabels, got [${Object.keys(cond)}]`,
      );
    }
    return this.apply(params, { sample: x, timestep: t, classLabels: cond.classLabels }, options);
  }
}
