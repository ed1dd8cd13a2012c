import { fold, type Tensor } from "@dipp/tensor";
import * as resample from "../resample.ts";
import type { ResampleParams } from "../resample.ts";
import * as resnet from "../resnet_block_2d.ts";
import type { ResnetBlock2DParams } from "../resnet_block_2d.ts";
import { type AutoencoderKLConfig, EPS } from "./config.ts";

/** Parameters of a level of the encoder (`DownEncoderBlock2D`). */
export type DownEncoderBlockParams = {
  /** The resnets. */
  resnets: ResnetBlock2DParams[];
  /** Halves the resolution, on all levels but the last. */
  downsamplers?: [ResampleParams];
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The autoencoder's configuration.
 * @param level Which level, 0 at full resolution.
 * @returns The parameters.
 */
export function init(key: Tensor, config: AutoencoderKLConfig, level: number): DownEncoderBlockParams {
  const widths = config.block_out_channels;
  const width = widths[level];
  const layers = config.layers_per_block;
  return {
    resnets: Array.from(
      { length: layers },
      (_, i) => resnet.init(fold(key, i), i === 0 ? widths[Math.max(level - 1, 0)] : width, width),
    ),
    ...(level < widths.length - 1 ? { downsamplers: [resample.init(fold(key, layers), width)] } : {}),
  };
}

/**
 * Runs a level of the encoder.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param groups Groups of the norms.
 * @returns `[B, C', floor(H / 2), floor(W / 2)]`; at the last level `[B, C', H, W]`.
 */
export function apply(params: DownEncoderBlockParams, x: Tensor, groups: number): Tensor {
  for (const layer of params.resnets) x = resnet.apply(layer, x, undefined, groups, EPS);
  return params.downsamplers ? resample.downsampleAfter(params.downsamplers[0], x) : x;
}
