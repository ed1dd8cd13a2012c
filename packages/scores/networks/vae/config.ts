import { z } from "zod";
import { parseConfig } from "../config_error.ts";

/** The configuration of {@linkcode AutoencoderKL}: diffusers' own `config.json`, with its names and defaults. */
export interface AutoencoderKLConfig {
  /** Channels of the pixels. */
  in_channels: number;
  /** Channels of the decoded pixels. */
  out_channels: number;
  /** Kind of each level of the encoder. */
  down_block_types: "DownEncoderBlock2D"[];
  /** Kind of each level of the decoder. */
  up_block_types: "UpDecoderBlock2D"[];
  /** Width of each level, from full resolution down; each but the last halves the resolution. */
  block_out_channels: number[];
  /** Resnets of a level of the encoder; one more in the decoder. */
  layers_per_block: number;
  /** Channels of the latents. */
  latent_channels: number;
  /** Groups of every group norm. */
  norm_num_groups: number;
  /** Height and width in pixels that it was trained at; it takes any. */
  sample_size: number;
  /** What a diffusion model multiplies latents by. */
  scaling_factor: number;
  /** What it takes off latents first. */
  shift_factor: number | null;
  /** What it takes off each channel of latents first. */
  latents_mean: number[] | null;
  /** What it divides each channel of latents by. */
  latents_std: number[] | null;
  /** Whether a 1x1 convolution follows the encoder. */
  use_quant_conv: boolean;
  /** Whether a 1x1 convolution precedes the decoder. */
  use_post_quant_conv: boolean;
  /** Whether the middle has an attention. */
  mid_block_add_attention: boolean;
}

/** Epsilon of every group norm. */
export const EPS = 1e-6;

const positive = z.number().int().positive();

const schema = z.strictObject({
  in_channels: positive.default(3),
  out_channels: positive.default(3),
  down_block_types: z.array(z.literal("DownEncoderBlock2D")).min(1).default(["DownEncoderBlock2D"]),
  up_block_types: z.array(z.literal("UpDecoderBlock2D")).min(1).default(["UpDecoderBlock2D"]),
  block_out_channels: z.array(positive).min(1).default([64]),
  layers_per_block: positive.default(1),
  latent_channels: positive.default(4),
  norm_num_groups: positive.default(32),
  sample_size: positive.default(32),
  scaling_factor: z.number().positive().default(0.18215),
  shift_factor: z.number().nullable().default(null),
  latents_mean: z.array(z.number()).nullable().default(null),
  latents_std: z.array(z.number().positive()).nullable().default(null),
  use_quant_conv: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
  mid_block_add_attention: z.boolean().default(true),
  act_fn: z.literal("silu").optional(),
  force_upcast: z.boolean().optional(), // no effect on f32 accumulation
}).superRefine((c, context) => {
  const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  const levels = c.block_out_channels.length;
  for (const name of ["down_block_types", "up_block_types"] as const) {
    if (c[name].length !== levels) refuse(name, `expected ${levels} entries, one a level`);
  }
  if (c.block_out_channels.some((width) => width % c.norm_num_groups !== 0)) {
    refuse("block_out_channels", `expected multiples of norm_num_groups = ${c.norm_num_groups}`);
  }
  for (const name of ["latents_mean", "latents_std"] as const) {
    if (c[name] && c[name].length !== c.latent_channels) refuse(name, `expected ${c.latent_channels} numbers`);
  }
});

/**
 * Checks a configuration of the autoencoder and fills in diffusers' defaults.
 *
 * @param value A `config.json` of diffusers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseAutoencoderKLConfig } from "@dipp/scores";
 *
 * assertEquals(parseAutoencoderKLConfig({}).scaling_factor, 0.18215);
 * assertThrows(() => parseAutoencoderKLConfig({ act_fn: "gelu" }), TypeError, 'act_fn is "gelu"');
 * ```
 */
export function parseAutoencoderKLConfig(value: unknown): AutoencoderKLConfig {
  return parseConfig(schema, value, "AutoencoderKL");
}
