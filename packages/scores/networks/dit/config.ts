import { z } from "zod";
import { parseConfig } from "../config_error.ts";

/** The configuration of {@linkcode DiTTransformer2DModel}: diffusers' own `config.json`, with its names and defaults. */
export interface DiTTransformer2DConfig {
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
  /** Whether attention projections have biases. */
  attention_bias: boolean;
  /** Height and width of the sample it is made for; scales the position table. */
  sample_size: number;
  /** Side of a patch. */
  patch_size: number;
  /** Number of classes; one more stands for none. */
  num_embeds_ada_norm: number;
  /** Epsilon of the norm before each feed-forward. */
  norm_eps: number;
}

const positive = z.number().int().positive();
const only = <T extends string | number | boolean>(value: T) => z.literal(value).optional();
const absent = z.null().optional();

const schema = z.strictObject({
  num_attention_heads: positive.default(16),
  attention_head_dim: positive.default(72),
  in_channels: positive.default(4),
  out_channels: positive.nullable().default(null),
  num_layers: positive.default(28),
  attention_bias: z.boolean().default(true),
  sample_size: positive.default(32),
  patch_size: positive.default(2),
  num_embeds_ada_norm: positive.default(1000),
  norm_eps: z.number().positive().default(1e-5),
  dropout: only(0),
  activation_fn: only("gelu-approximate"),
  norm_type: only("ada_norm_zero"),
  norm_elementwise_affine: only(false),
  // Without effect here: unused by these blocks, or about half precision.
  norm_num_groups: z.number().nullable().optional(),
  upcast_attention: z.boolean().optional(),
  // In the files released for the older class Transformer2DModel.
  attention_type: only("default"),
  cross_attention_dim: absent,
  double_self_attention: only(false),
  only_cross_attention: only(false),
  use_linear_projection: only(false),
  num_vector_embeds: absent,
}).transform((c): DiTTransformer2DConfig => ({
  num_attention_heads: c.num_attention_heads,
  attention_head_dim: c.attention_head_dim,
  in_channels: c.in_channels,
  out_channels: c.out_channels ?? c.in_channels,
  num_layers: c.num_layers,
  attention_bias: c.attention_bias,
  sample_size: c.sample_size,
  patch_size: c.patch_size,
  num_embeds_ada_norm: c.num_embeds_ada_norm,
  norm_eps: c.norm_eps,
})).superRefine((c, context) => {
  const width = c.num_attention_heads * c.attention_head_dim;
  if (width % 4 === 0) return;
  context.addIssue({
    code: "custom",
    path: ["attention_head_dim"],
    message: `expected a width divisible by 4 for the position table, got ${width}`,
  });
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
 * import { parseDiTConfig } from "@dipp/scores";
 *
 * assertEquals(parseDiTConfig({ in_channels: 3 }).out_channels, 3);
 * assertThrows(() => parseDiTConfig({ norm_type: "layer_norm" }), TypeError, 'norm_type is "layer_norm"');
 * ```
 */
export function parseDiTConfig(value: unknown): DiTTransformer2DConfig {
  return parseConfig(schema, value, "DiTTransformer2DModel", "Transformer2DModel");
}
