/**
 * Group normalisation, `torch.nn.GroupNorm`.
 *
 * @module
 */

import { groupNorm, ones, type Tensor, zeros } from "@dipp/tensor";

/** The scale and shift of a group normalisation. */
export type GroupNormParams = {
  /** [C]. */
  weight?: Tensor;
  /** [C]. */
  bias?: Tensor;
};

/**
 * Builds a scale of one and a shift of zero.
 *
 * @param channels the number of channels, C
 * @returns the parameters
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { groupNorm } from "@dipp/nn";
 * import { ones } from "@dipp/tensor";
 *
 * const y = groupNorm.apply(groupNorm.init(8), ones([1, 8, 4, 4]), 2);
 * assertEquals(y.shape, [1, 8, 4, 4]);
 * ```
 */
export function init(channels: number): GroupNormParams {
  return { weight: ones([channels]), bias: zeros([channels]) };
}

/**
 * Normalises each group of channels of each image, then scales and shifts.
 *
 * Source: Wu and He, "Group Normalization", arXiv 1803.08494, eq. 1 and 7.
 *
 * @param params the parameters
 * @param x [B, C, ...]
 * @param groups the number of groups, a divisor of C
 * @param eps what is added to the variance
 * @returns [B, C, ...]
 */
export function apply(
  params: GroupNormParams,
  x: Tensor,
  groups: number,
  eps = 1e-5,
): Tensor {
  return groupNorm(x, groups, { ...params, eps });
}
