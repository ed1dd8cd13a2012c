import { z } from "zod";
import { parseConfig } from "../config_error.ts";

/**
 * The configuration of {@linkcode PixArtTransformer2DModel}: diffusers' own
 * `config.json`, with its names and defaults.
 */
export interface PixArtTransformer2DConfig {
  /** Attention heads. */
  num_attention_heads: number;
  /** Width of each head; the network's width is heads times this. */
  attention_head_dim: number;
  /** Channels of the sample. */
  in_channels: number;
  /** Channels of the output; twice `in_channels` with learned variance. */
  out_channels: number;
  /** Number of blocks. */
  num_layers: number;
  /** Width of the projected caption: the network's width. */
  cross_attention_dim: number;
  /** Whether attention projections have biases. */
  attention_bias: boolean;
  /** Height and width of the sample it is made for; scales the position table. */
  sample_size: number;
  /** Side of a patch. */
  patch_size: number;
  /** Epsilon of the layer norms. */
  norm_eps: number;
  /** Divides positions; max(sample_size // 64, 1) when null. */
  interpolation_scale: number | null;
  /** Whether it is told the image's resolution and aspect ratio (1024-MS). */
  use_additional_conditions: boolean;
  /** Width of the caption's encoding. */
  caption_channels: number;
}

const positive = z.number().int().positive();
const only = <T extends string | number | boolean>(value: T) => z.literal(value).optional();
const absent = z.null().optional();

const schema = z.strictObject({
  num_attention_heads: positive.default(16),
  attention_head_dim: positive.default(72),
  in_channels: positive.default(4),
  out_channels: positive.nullable().default(8),
  num_layers: positive.default(28),
  cross_attention_dim: positive.optional(),
  attention_bias: z.boolean().default(true),
  sample_size: positive.default(128),
  patch_size: positive.default(2),
  norm_eps: z.number().positive().default(1e-6),
  interpolation_scale: z.number().positive().nullable().default(null),
  use_additional_conditions: z.boolean().nullable().default(null),
  caption_channels: positive,
  dropout: only(0),
  activation_fn: only("gelu-approximate"),
  norm_type: only("ada_norm_single"),
  norm_elementwise_affine: only(false),
  attention_type: only("default"),
  // Without effect here: unused by these blocks, or about half precision.
  norm_num_groups: z.number().nullable().optional(),
  num_embeds_ada_norm: z.number().nullable().optional(),
  upcast_attention: z.boolean().optional(),
  // In the files released for the older class Transformer2DModel.
  double_self_attention: only(false),
  only_cross_attention: only(false),
  use_linear_projection: only(false),
  num_vector_embeds: absent,
}).transform((c): PixArtTransformer2DConfig => {
  const width = c.num_attention_heads * c.attention_head_dim;
  return {
    num_attention_heads: c.num_attention_heads,
    attention_head_dim: c.attention_head_dim,
    in_channels: c.in_channels,
    out_channels: c.out_channels ?? c.in_channels,
    num_layers: c.num_layers,
    cross_attention_dim: c.cross_attention_dim ?? width,
    attention_bias: c.attention_bias,
    sample_size: c.sample_size,
    patch_size: c.patch_size,
    norm_eps: c.norm_eps,
    interpolation_scale: c.interpolation_scale,
    use_additional_conditions: c.use_additional_conditions ??
      c.sample_size === 128,
    caption_channels: c.caption_channels,
  };
}).superRefine((c, context) => {
  const width = c.num_attention_heads * c.attention_head_dim;
  const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  if (c.cross_attention_dim !== width) {
    refuse(
      "cross_attention_dim",
      `expected num_attention_heads * attention_head_dim = ${width}`,
    );
  }
  if (width % 4 !== 0) {
    refuse(
      "attention_head_dim",
      `expected a width divisible by 4 for the position table, got ${width}`,
    );
  }
  if (c.use_additional_conditions && width % 3 !== 0) {
    refuse(
      "attention_head_dim",
      `expected a width divisible by 3 for the size conditions, got ${width}`,
    );
  }
});

/**
 * Checks a configuration of the transformer and fills in diffusers' defaults.
 *
 * @param value A `config.json` of diffusers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parsePixArtConfig } from "@dipp/scores";
 *
 * const config = parsePixArtConfig({ caption_channels: 4096, sample_size: 64 });
 * assertEquals(config.use_additional_conditions, false);
 * assertThrows(() => parsePixArtConfig({}), TypeError, "caption_channels");
 * ```
 */
export function parsePixArtConfig(value: unknown): PixArtTransformer2DConfig {
  return parseConfig(schema, value, "PixArtTransformer2DModel", "Transformer2DModel");
}
