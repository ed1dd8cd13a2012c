import { z } from "zod";
import { parseConfig } from "../config_error.ts";

/**
 * The configuration of {@linkcode UNet2DConditionModel}: diffusers' own
 * `config.json`, with its names and defaults.
 */
export interface UNet2DConditionConfig {
  /** Height and width of the sample; informative, the network takes any size. */
  sample_size: number | [number, number] | null;
  /** Channels of the sample. */
  in_channels: number;
  /** Channels of the output. */
  out_channels: number;
  /** Order of the timestep sinusoids: cosines first when true. */
  flip_sin_to_cos: boolean;
  /** Shift of the timestep frequencies. */
  freq_shift: number;
  /** Kind of each level on the way down. */
  down_block_types: ("CrossAttnDownBlock2D" | "DownBlock2D")[];
  /** Kind of each level on the way up. */
  up_block_types: ("CrossAttnUpBlock2D" | "UpBlock2D")[];
  /** Width of each level. */
  block_out_channels: number[];
  /** Resnets of a level on the way down; one more on the way up. */
  layers_per_block: number;
  /** Groups of every group norm. */
  norm_num_groups: number;
  /** Epsilon of the group norms in resnets and before the output. */
  norm_eps: number;
  /** Width of the condition. */
  cross_attention_dim: number;
  /** Transformer blocks in each attention, per level when a list. */
  transformer_layers_per_block: number | number[];
  /** The NUMBER of attention heads (diffusers' historic naming), per level when a list. */
  attention_head_dim: number | number[];
  /** Whether attentions project with a linear layer (SD 2.x) or a 1x1 convolution (SD 1.x). */
  use_linear_projection: boolean;
  /** Whether the network takes SDXL's added condition, {@linkcode TextTimeCond}. */
  addition_embed_type: "text_time" | null;
  /** Sinusoids of each number of the added condition. */
  addition_time_embed_dim: number | null;
  /** Width of the added condition: the pooled prompt's and all sinusoids. */
  projection_class_embeddings_input_dim: number | null;
}

const positive = z.number().int().positive();
const only = <T extends string | number | boolean>(value: T) => z.literal(value).optional();
const absent = z.null().optional();

// Every key of diffusers' config is known; those whose other values are not
// supported are refused, never silently ignored.
const schema = z.strictObject({
  sample_size: z.union([positive, z.tuple([positive, positive]), z.null()])
    .default(null),
  in_channels: positive.default(4),
  out_channels: positive.default(4),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().default(0),
  down_block_types: z.array(
    z.enum(["CrossAttnDownBlock2D", "DownBlock2D"]),
  ).min(1).default([
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "DownBlock2D",
  ]),
  up_block_types: z.array(z.enum(["CrossAttnUpBlock2D", "UpBlock2D"])).min(1)
    .default([
      "UpBlock2D",
      "CrossAttnUpBlock2D",
      "CrossAttnUpBlock2D",
      "CrossAttnUpBlock2D",
    ]),
  block_out_channels: z.array(positive).min(1).default([320, 640, 1280, 1280]),
  layers_per_block: positive.default(2),
  norm_num_groups: positive.default(32),
  norm_eps: z.number().positive().default(1e-5),
  cross_attention_dim: positive.default(1280),
  transformer_layers_per_block: z.union([positive, z.array(positive)])
    .default(1),
  attention_head_dim: z.union([positive, z.array(positive)]).default(8),
  use_linear_projection: z.boolean().default(false),
  addition_embed_type: z.literal("text_time").nullable().default(null),
  addition_time_embed_dim: positive.nullable().default(null),
  projection_class_embeddings_input_dim: positive.nullable().default(null),
  upcast_attention: z.boolean().optional(), // no effect on f32 accumulation
  center_input_sample: only(false),
  mid_block_type: only("UNetMidBlock2DCrossAttn"),
  only_cross_attention: only(false),
  downsample_padding: only(1),
  mid_block_scale_factor: only(1),
  dropout: only(0),
  act_fn: only("silu"),
  resnet_time_scale_shift: only("default"),
  resnet_skip_time_act: only(false),
  resnet_out_scale_factor: only(1),
  time_embedding_type: only("positional"),
  conv_in_kernel: only(3),
  conv_out_kernel: only(3),
  dual_cross_attention: only(false),
  attention_type: only("default"),
  class_embeddings_concat: only(false),
  addition_embed_type_num_heads: z.number().optional(),
  reverse_transformer_layers_per_block: absent,
  encoder_hid_dim: absent,
  encoder_hid_dim_type: absent,
  num_attention_heads: absent,
  class_embed_type: absent,
  num_class_embeds: absent,
  time_embedding_dim: absent,
  time_embedding_act_fn: absent,
  timestep_post_act: absent,
  time_cond_proj_dim: absent,
  mid_block_only_cross_attention: absent,
  cross_attention_norm: absent,
}).superRefine((c, context) => {
  const levels = c.block_out_channels.length;
  const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  for (const name of ["addition_time_embed_dim", "projection_class_embeddings_input_dim"] as const) {
    if ((c[name] !== null) !== (c.addition_embed_type !== null)) {
      refuse(name, 'expected a number with addition_embed_type "text_time", and only with it');
    }
  }
  const perLevel = [
    "down_block_types",
    "up_block_types",
    "transformer_layers_per_block",
    "attention_head_dim",
  ] as const;
  for (const name of perLevel) {
    const value = c[name];
    if (Array.isArray(value) && value.length !== levels) {
      refuse(name, `expected ${levels} entries, one a level`);
    }
  }
  c.block_out_channels.forEach((width, i) => {
    if (width % c.norm_num_groups !== 0) {
      refuse(
        "block_out_channels",
        `expected multiples of norm_num_groups = ${c.norm_num_groups}`,
      );
    }
    const heads = atLevel(c.attention_head_dim, i);
    if (width % heads !== 0) {
      refuse("attention_head_dim", `expected a divisor of width ${width}`);
    }
  });
});

/**
 * Checks a configuration of the UNet and fills in diffusers' defaults.
 *
 * @param value A `config.json` of diffusers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseUNetConfig } from "@dipp/scores";
 *
 * assertEquals(parseUNetConfig({ cross_attention_dim: 768 }).layers_per_block, 2);
 * assertThrows(() => parseUNetConfig({ in_channels: 0 }), TypeError, "in_channels is 0");
 * ```
 */
export function parseUNetConfig(value: unknown): UNet2DConditionConfig {
  return parseConfig(schema, value, "UNet2DConditionModel");
}

/**
 * A setting that is one number or one a level.
 *
 * @param value The setting.
 * @param level The level, 0 at full resolution.
 * @returns The level's number.
 */
export function atLevel(value: number | number[], level: number): number {
  return Array.isArray(value) ? value[level] : value;
}
