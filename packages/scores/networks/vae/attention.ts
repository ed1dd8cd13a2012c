import { attention, type AttentionParams, groupNorm, type GroupNormParams } from "@dipp/nn";
import type { Tensor } from "@dipp/tensor";
import { EPS } from "./config.ts";

/** Parameters of the attention over the pixels of the middle, with diffusers' names. */
export type VaeAttentionParams = AttentionParams & {
  /** Group norm of the input. */
  group_norm: GroupNormParams;
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param channels Width.
 * @returns The parameters.
 */
export function init(key: Tensor, channels: number): VaeAttentionParams {
  return {
    group_norm: groupNorm.init(channels),
    ...attention.init(key, { queryDim: channels, heads: 1, bias: true }),
  };
}

/**
 * Every pixel attends to every other, with one head of full width; added to the input.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param groups Groups of the norm.
 * @returns `[B, C, H, W]`.
 */
export function apply(params: VaeAttentionParams, x: Tensor, groups: number): Tensor {
  const [batch, channels] = x.shape;
  const tokens = groupNorm.apply(params.group_norm, x, groups, EPS).reshape([batch, channels, -1]).permute([0, 2, 1]);
  return attention.apply(params, tokens, { heads: 1 }).permute([0, 2, 1]).reshape([...x.shape]).add(x);
}
