/**
 * Gradient clipping by the norm of all gradients together.
 *
 * @module
 */

import { full, type Tensor, treeLeaves, treeMap } from "@dipp/tensor";
import type { Params } from "./params.ts";

/**
 * Computes the L2 norm of a tree as one long vector.
 *
 * @param tree the tensors
 * @returns the norm, f32 []
 */
export function globalNorm(tree: Params): Tensor {
  let sums = treeLeaves<Tensor>(tree).map((t) => t.cast("f32").square().sum());
  if (sums.length === 0) return full([], 0);
  // Pairwise, which keeps the graph shallow and the rounding errors small.
  while (sums.length > 1) {
    sums = sums.flatMap((s, i) => i % 2 === 1 ? [] : i + 1 < sums.length ? [s.add(sums[i + 1])] : [s]);
  }
  return sums[0].sqrt();
}

/**
 * Scales gradients so that their common norm is at most `maxNorm`: by
 * min(1, maxNorm / (norm + 1e-6)).
 *
 * Source: Pascanu et al., "On the difficulty of training recurrent neural
 * networks", arXiv 1211.5063, algorithm 1; `torch.nn.utils.clip_grad_norm_`.
 *
 * @param grads the gradients
 * @param maxNorm the largest norm allowed
 * @returns the clipped gradients, and the norm before, f32 []
 *
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { clipByGlobalNorm } from "@dipp/nn";
 * import { init, tensor } from "@dipp/tensor";
 *
 * await init();
 * const { grads, norm } = clipByGlobalNorm({ w: tensor([3]), b: tensor([4]) }, 1);
 * assertEquals(await norm.item(), 5);
 * assertAlmostEquals(await grads.w.item(), 0.6, 1e-6);
 * ```
 */
export function clipByGlobalNorm<P extends Params>(
  grads: P,
  maxNorm: Tensor | number,
): { grads: P; norm: Tensor } {
  if (typeof maxNorm === "number" && !(maxNorm > 0)) {
    throw new RangeError(
      `maxNorm is ${maxNorm}, expected a positive number`,
    );
  }
  const norm = globalNorm(grads);
  const limit = typeof maxNorm === "number" ? full([], maxNorm) : maxNorm;
  const scale = limit.reshape([]).div(norm.add(1e-6)).minimum(1);
  const clipped = treeMap<Tensor, Tensor>(
    grads,
    (g) => g.cast("f32").mul(scale).cast(g.dtype),
  ) as P;
  return { grads: clipped, norm };
}
