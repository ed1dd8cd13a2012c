import { fold, type Tensor } from "@dipp/tensor";
import type { UNet2DConditionConfig } from "./config.ts";
import { type BlockInputs, runResnet, timeEmbedDim, transformerOptions } from "./level.ts";
import * as resample from "../resample.ts";
import type { ResampleParams } from "../resample.ts";
import * as resnet from "../resnet_block_2d.ts";
import type { ResnetBlock2DParams } from "../resnet_block_2d.ts";
import * as transformer from "./transformer_2d.ts";
import type { Transformer2DParams } from "./transformer_2d.ts";

/** Parameters of a level on the way up (`CrossAttnUpBlock2D`, `UpBlock2D`). */
export type UpBlockParams = {
  /** One after each resnet, where the level has attention. */
  attentions?: Transformer2DParams[];
  /** The resnets; each takes one skip connection. */
  resnets: ResnetBlock2DParams[];
  /** Doubles the resolution, on all levels but the last. */
  upsamplers?: [ResampleParams];
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The network's configuration.
 * @param index Which block in the order of `up_block_types`: 0 at the lowest
 *   resolution.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  config: UNet2DConditionConfig,
  index: number,
): UpBlockParams {
  const widths = config.block_out_channels;
  const last = widths.length - 1;
  const level = last - index;
  const width = widths[level];
  const layers = config.layers_per_block + 1;
  const params: UpBlockParams = {
    resnets: Array.from({ length: layers }, (_, i) => {
      const from = i === 0 ? widths[Math.min(level + 1, last)] : width;
      const skip = i === layers - 1 ? widths[Math.max(level - 1, 0)] : width;
      const k = fold(key, 2 * i);
      return resnet.init(k, from + skip, width, timeEmbedDim(config));
    }),
  };
  if (config.up_block_types[index] === "CrossAttnUpBlock2D") {
    const options = transformerOptions(config, level);
    params.attentions = params.resnets.map((_, i) => transformer.init(fold(key, 2 * i + 1), options));
  }
  if (index < last) {
    params.upsamplers = [resample.init(fold(key, 2 * layers), width)];
  }
  return params;
}

/**
 * Runs a level on the way up.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param skips The skip connections that are left; this level takes its own off the end.
 * @param inputs The call's signals.
 * @returns The features, at the size of the last skip connection that is left.
 */
export function apply(
  params: UpBlockParams,
  x: Tensor,
  skips: Tensor[],
  inputs: BlockInputs,
): Tensor {
  params.resnets.forEach((layer, i) => {
    x = runResnet(layer, [x, skips.pop()!], inputs);
    const attention = params.attentions?.[i];
    if (attention) x = transformer.apply(attention, x, inputs);
  });
  if (params.upsamplers) {
    const [, , height, width] = skips[skips.length - 1].shape;
    x = resample.upsample(params.upsamplers[0], x, [height, width]);
  }
  return x;
}
