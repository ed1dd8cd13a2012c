import { fold, type Tensor } from "@dipp/tensor";
import * as resample from "../resample.ts";
import type { ResampleParams } from "../resample.ts";
import * as resnet from "../resnet_block_2d.ts";
import type { ResnetBlock2DParams } from "../resnet_block_2d.ts";
import { type AutoencoderKLConfig, EPS } from "./config.ts";

/** Parameters of a level of the decoder (`UpDecoderBlock2D`). */
export type UpDecoderBlockParams = {
  /** The resnets. */
  resnets: ResnetBlock2DParams[];
  /** Doubles the resolution, on all levels but the last. */
  upsamplers?: [ResampleParams];
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The autoencoder's configuration.
 * @param index Which block in the order of `up_block_types`: 0 at the lowest resolution.
 * @returns The parameters.
 */
export function init(key: Tensor, config: AutoencoderKLConfig, index: number): UpDecoderBlockParams {
  const widths = config.block_out_channels.toReversed();
  const width = widths[index];
  const layers = config.layers_per_block + 1;
  return {
    resnets: Array.from(
      { length: layers },
      (_, i) => resnet.init(fold(key, i), i === 0 ? widths[Math.max(index - 1, 0)] : width, width),
    ),
    ...(index < widths.length - 1 ? { upsamplers: [resample.init(fold(key, layers), width)] } : {}),
  };
}

/**
 * Runs a level of the decoder.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param groups Groups of the norms.
 * @returns `[B, C', 2H, 2W]`; at the last level `[B, C', H, W]`.
 */
export function apply(params: UpDecoderBlockParams, x: Tensor, groups: number): Tensor {
  for (const layer of params.resnets) x = resnet.apply(layer, x, undefined, groups, EPS);
  if (!params.upsamplers) return x;
  const [, , height, width] = x.shape;
  return resample.upsample(params.upsamplers[0], x, [2 * height, 2 * width]);
}
