/**
 * Layer normalisation over the last axis, `torch.nn.LayerNorm`.
 *
 * @module
 */

import { layerNorm, ones, type Tensor, zeros } from "@dipp/tensor";

/** The scale and shift; `{}` is `elementwise_affine=False`. */
export type LayerNormParams = {
  /** [C]. */
  weight?: Tensor;
  /** [C]. */
  bias?: Tensor;
};

/**
 * Builds a scale of one and a shift of zero.
 *
 * @param features the size of the last axis, C
 * @returns the parameters
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { layerNorm } from "@dipp/nn";
 * import { ones } from "@dipp/tensor";
 *
 * const y = layerNorm.apply(layerNorm.init(8), ones([2, 5, 8]), 1e-6);
 * assertEquals(y.shape, [2, 5, 8]);
 * ```
 */
export function init(features: number): LayerNormParams {
  return { weight: ones([features]), bias: zeros([features]) };
}

/**
 * Normalises each vector of the last axis, then scales and shifts.
 *
 * Source: Ba et al., "Layer Normalization", arXiv 1607.06450, eq. 4.
 *
 * @param params the parameters
 * @param x [..., C]
 * @param eps what is added to the variance
 * @returns [..., C]
 */
export function apply(
  params: LayerNormParams,
  x: Tensor,
  eps = 1e-5,
): Tensor {
  return layerNorm(x, { ...params, eps });
}
