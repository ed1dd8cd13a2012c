import { fold, type Tensor } from "@dipp/tensor";
import * as resnet from "../resnet_block_2d.ts";
import type { ResnetBlock2DParams } from "../resnet_block_2d.ts";
import * as attention from "./attention.ts";
import type { VaeAttentionParams } from "./attention.ts";
import { type AutoencoderKLConfig, EPS } from "./config.ts";

/** Parameters of the middle of encoder and decoder (`UNetMidBlock2D`). */
export type VaeMidBlockParams = {
  /** The attention between the resnets, where there is one. */
  attentions?: [VaeAttentionParams];
  /** The two resnets. */
  resnets: [ResnetBlock2DParams, ResnetBlock2DParams];
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param config The autoencoder's configuration.
 * @returns The parameters.
 */
export function init(key: Tensor, config: AutoencoderKLConfig): VaeMidBlockParams {
  const width = config.block_out_channels.at(-1)!;
  return {
    ...(config.mid_block_add_attention ? { attentions: [attention.init(fold(key, 1), width)] } : {}),
    resnets: [resnet.init(fold(key, 0), width, width), resnet.init(fold(key, 2), width, width)],
  };
}

/**
 * Resnet, attention, resnet at the lowest resolution.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param groups Groups of the norms.
 * @returns `[B, C, H, W]`.
 */
export function apply(params: VaeMidBlockParams, x: Tensor, groups: number): Tensor {
  x = resnet.apply(params.resnets[0], x, undefined, groups, EPS);
  if (params.attentions) x = attention.apply(params.attentions[0], x, groups);
  return resnet.apply(params.resnets[1], x, undefined, groups, EPS);
}
