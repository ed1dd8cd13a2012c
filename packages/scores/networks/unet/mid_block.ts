import { fold, type Tensor } from "@dipp/tensor";
import type { UNet2DConditionConfig } from "./config.ts";
import { type BlockInputs, runResnet, timeEmbedDim, transformerOptions } from "./level.ts";
import * as resnet from "../resnet_block_2d.ts";
import type { ResnetBlock2DParams } from "../resnet_block_2d.ts";
import * as transformer from "./transformer_2d.ts";
import type { Transformer2DParams } from "./transformer_2d.ts";

/** Parameters of the middle (`UNetMidBlock2DCrossAttn`). */
export type MidBlockParams = {
  /** The attention between the resnets. */
  attentions: [Transformer2DParams];
  /** The two resnets. */
  resnets: [ResnetBlock2DParams, ResnetBlock2DParams];
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The network's configuration.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  config: UNet2DConditionConfig,
): MidBlockParams {
  const level = config.block_out_channels.length - 1;
  const width = config.block_out_channels[level];
  const time = timeEmbedDim(config);
  return {
    attentions: [
      transformer.init(fold(key, 1), transformerOptions(config, level)),
    ],
    resnets: [
      resnet.init(fold(key, 0), width, width, time),
      resnet.init(fold(key, 2), width, width, time),
    ],
  };
}

/**
 * Resnet, attention, resnet at the lowest resolution.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param inputs The call's signals.
 * @returns `[B, C, H, W]`.
 */
export function apply(
  params: MidBlockParams,
  x: Tensor,
  inputs: BlockInputs,
): Tensor {
  x = runResnet(params.resnets[0], [x], inputs);
  x = transformer.apply(params.attentions[0], x, inputs);
  return runResnet(params.resnets[1], [x], inputs);
}
