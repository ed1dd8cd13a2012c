import { conv2d, type Conv2dParams, groupNorm, type GroupNormParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import type { RunBlock } from "../run_block.ts";
import { type AutoencoderKLConfig, EPS } from "./config.ts";
import * as down from "./down_encoder_block.ts";
import type { DownEncoderBlockParams } from "./down_encoder_block.ts";
import * as mid from "./mid_block.ts";
import type { VaeMidBlockParams } from "./mid_block.ts";

/** Parameters of the encoder, with diffusers' names. */
export type EncoderParams = {
  /** 3x3 convolution of the pixels. */
  conv_in: Conv2dParams;
  /** The levels. */
  down_blocks: DownEncoderBlockParams[];
  /** The middle. */
  mid_block: VaeMidBlockParams;
  /** Group norm before the output. */
  conv_norm_out: GroupNormParams;
  /** 3x3 convolution to the moments. */
  conv_out: Conv2dParams;
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The autoencoder's configuration.
 * @returns The parameters.
 */
export function init(key: Tensor, config: AutoencoderKLConfig): EncoderParams {
  const widths = config.block_out_channels;
  const last = widths[widths.length - 1];
  return {
    conv_in: conv2d.init(fold(key, 0), config.in_channels, widths[0], 3),
    down_blocks: widths.map((_, i) => down.init(fold(fold(key, 1), i), config, i)),
    mid_block: mid.init(fold(key, 2), config),
    conv_norm_out: groupNorm.init(last),
    conv_out: conv2d.init(fold(key, 3), last, 2 * config.latent_channels, 3),
  };
}

/**
 * Levels down, the middle, and the moments.
 *
 * @param params The parameters.
 * @param x Pixels, `[B, C, H, W]`.
 * @param groups Groups of the norms.
 * @param run How blocks are run.
 * @returns Means and logarithms of variances, `[B, 2 latent_channels, h, w]`.
 */
export function apply(params: EncoderParams, x: Tensor, groups: number, run: RunBlock): Tensor {
  x = conv2d.apply(params.conv_in, x, { padding: 1 });
  for (const block of params.down_blocks) x = run((p, x) => down.apply(p, x, groups), block, x);
  x = run((p, x) => mid.apply(p, x, groups), params.mid_block, x);
  x = groupNorm.apply(params.conv_norm_out, x, groups, EPS);
  return conv2d.apply(params.conv_out, x.silu(), { padding: 1 });
}
