import { fold, type Tensor } from "@dipp/tensor";
import type { UNet2DConditionConfig } from "./config.ts";
import { type BlockInputs, runResnet, timeEmbedDim, transformerOptions } from "./level.ts";
import * as resample from "../resample.ts";
import type { ResampleParams } from "../resample.ts";
import * as resnet from "../resnet_block_2d.ts";
import type { ResnetBlock2DParams } from "../resnet_block_2d.ts";
import * as transformer from "./transformer_2d.ts";
import type { Transformer2DParams } from "./transformer_2d.ts";

/** Parameters of a level on the way down (`CrossAttnDownBlock2D`, `DownBlock2D`). */
export type DownBlockParams = {
  /** One after each resnet, where the level has attention. */
  attentions?: Transformer2DParams[];
  /** The resnets. */
  resnets: ResnetBlock2DParams[];
  /** Halves the resolution, on all levels but the last. */
  downsamplers?: [ResampleParams];
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The network's configuration.
 * @param level Which level, 0 at full resolution.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  config: UNet2DConditionConfig,
  level: number,
): DownBlockParams {
  const widths = config.block_out_channels;
  const width = widths[level];
  const params: DownBlockParams = {
    resnets: Array.from({ length: config.layers_per_block }, (_, i) => {
      const from = i === 0 ? widths[Math.max(level - 1, 0)] : width;
      return resnet.init(fold(key, 2 * i), from, width, timeEmbedDim(config));
    }),
  };
  if (config.down_block_types[level] === "CrossAttnDownBlock2D") {
    const options = transformerOptions(config, level);
    params.attentions = params.resnets.map((_, i) => transformer.init(fold(key, 2 * i + 1), options));
  }
  if (level < widths.length - 1) {
    const k = fold(key, 2 * config.layers_per_block);
    params.downsamplers = [resample.init(k, width)];
  }
  return params;
}

/**
 * Runs a level on the way down.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param inputs The call's signals.
 * @returns The features after every resnet and after the downsampler: the skip
 *   connections, of which the last is the level's output.
 */
export function apply(
  params: DownBlockParams,
  x: Tensor,
  inputs: BlockInputs,
): Tensor[] {
  const skips: Tensor[] = [];
  params.resnets.forEach((layer, i) => {
    x = runResnet(layer, [x], inputs);
    const attention = params.attentions?.[i];
    if (attention) x = transformer.apply(attention, x, inputs);
    skips.push(x);
  });
  if (params.downsamplers) {
    skips.push(resample.downsample(params.downsamplers[0], x));
  }
  return skips;
}
