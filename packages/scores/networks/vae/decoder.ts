import { conv2d, type Conv2dParams, groupNorm, type GroupNormParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import type { RunBlock } from "../run_block.ts";
import { type AutoencoderKLConfig, EPS } from "./config.ts";
import * as mid from "./mid_block.ts";
import type { VaeMidBlockParams } from "./mid_block.ts";
import * as up from "./up_decoder_block.ts";
import type { UpDecoderBlockParams } from "./up_decoder_block.ts";

/** Parameters of the decoder, with diffusers' names. */
export type DecoderParams = {
  /** 3x3 convolution of the latents. */
  conv_in: Conv2dParams;
  /** The levels. */
  up_blocks: UpDecoderBlockParams[];
  /** The middle. */
  mid_block: VaeMidBlockParams;
  /** Group norm before the output. */
  conv_norm_out: GroupNormParams;
  /** 3x3 convolution to the pixels. */
  conv_out: Conv2dParams;
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The autoencoder's configuration.
 * @returns The parameters.
 */
export function init(key: Tensor, config: AutoencoderKLConfig): DecoderParams {
  const widths = config.block_out_channels;
  return {
    conv_in: conv2d.init(fold(key, 0), config.latent_channels, widths[widths.length - 1], 3),
    up_blocks: widths.map((_, i) => up.init(fold(fold(key, 1), i), config, i)),
    mid_block: mid.init(fold(key, 2), config),
    conv_norm_out: groupNorm.init(widths[0]),
    conv_out: conv2d.init(fold(key, 3), widths[0], config.out_channels, 3),
  };
}

/**
 * The middle, levels up, and the pixels.
 *
 * @param params The parameters.
 * @param x Latents, `[B, latent_channels, h, w]`.
 * @param groups Groups of the norms.
 * @param run How blocks are run.
 * @returns Pixels, `[B, out_channels, H, W]`.
 */
export function apply(params: DecoderParams, x: Tensor, groups: number, run: RunBlock): Tensor {
  x = conv2d.apply(params.conv_in, x, { padding: 1 });
  x = run((p, x) => mid.apply(p, x, groups), params.mid_block, x);
  for (const block of params.up_blocks) x = run((p, x) => up.apply(p, x, groups), block, x);
  x = groupNorm.apply(params.conv_norm_out, x, groups, EPS);
  return conv2d.apply(params.conv_out, x.silu(), { padding: 1 });
}
