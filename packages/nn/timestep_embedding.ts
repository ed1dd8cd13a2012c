/**
 * The two-layer network that follows the timestep sinusoids, diffusers'
 * `TimestepEmbedding`.
 *
 * @module
 */

import { fold, type Tensor } from "@dipp/tensor";
import * as linear from "./linear.ts";
import type { LinearParams } from "./linear.ts";

/** The parameters of a timestep embedding. */
export type TimestepEmbeddingParams = {
  /** [dim, in]. */
  linear_1: LinearParams;
  /** [out, dim]. */
  linear_2: LinearParams;
};

/**
 * Draws the parameters.
 *
 * @param key the random key
 * @param inChannels the number of sinusoids
 * @param timeEmbedDim the width of the hidden layer
 * @param outDim the width of the output, by default the hidden one
 * @returns the parameters
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { timestepEmbedding } from "@dipp/nn";
 * import { key, ones } from "@dipp/tensor";
 *
 * const params = timestepEmbedding.init(key(0), 32, 128);
 * assertEquals(timestepEmbedding.apply(params, ones([2, 32])).shape, [2, 128]);
 * ```
 */
export function init(
  key: Tensor,
  inChannels: number,
  timeEmbedDim: number,
  outDim: number = timeEmbedDim,
): TimestepEmbeddingParams {
  return {
    linear_1: linear.init(fold(key, 0), inChannels, timeEmbedDim),
    linear_2: linear.init(fold(key, 1), timeEmbedDim, outDim),
  };
}

/**
 * Applies linear_1, SiLU and linear_2.
 *
 * @param params the parameters
 * @param sinusoids [B, in]
 * @returns [B, out]
 */
export function apply(
  params: TimestepEmbeddingParams,
  sinusoids: Tensor,
): Tensor {
  const hidden = linear.apply(params.linear_1, sinusoids).silu();
  return linear.apply(params.linear_2, hidden);
}
