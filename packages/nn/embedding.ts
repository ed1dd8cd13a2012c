/**
 * A table of vectors looked up by index, `torch.nn.Embedding`.
 *
 * @module
 */

import { embedding, type Tensor } from "@dipp/tensor";
import { normal } from "./init.ts";

/** The parameters of an embedding. */
export type EmbeddingParams = {
  /** [entries, dim]. */
  weight: Tensor;
};

/**
 * Draws the table from the normal distribution.
 *
 * @param key the random key
 * @param entries the number of vectors
 * @param dim the length of each
 * @param std the standard deviation, PyTorch's default 1
 * @returns the parameters
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { embedding } from "@dipp/nn";
 * import { key, tensor } from "@dipp/tensor";
 *
 * const params = embedding.init(key(0), 100, 8);
 * const ids = tensor(new Int32Array([3, 14, 15]));
 * assertEquals(embedding.apply(params, ids).shape, [3, 8]);
 * ```
 */
export function init(
  key: Tensor,
  entries: number,
  dim: number,
  std = 1,
): EmbeddingParams {
  return { weight: normal(key, [entries, dim], std) };
}

/**
 * Looks vectors up.
 *
 * @param params the parameters
 * @param ids indices, i32 [...]
 * @returns f32 [..., dim]
 */
export function apply(params: EmbeddingParams, ids: Tensor): Tensor {
  return embedding(params.weight, ids).cast("f32");
}
