import type { Tensor } from "@dipp/tensor";

/**
 * Shapes per-sample factors `[B]` so that they broadcast over `x` (`[B, ...]`).
 *
 * @param v One number a sample, `[B]`; a scalar passes through.
 * @param x The tensor to broadcast over.
 * @returns `v` as `[B, 1, 1, ...]`.
 */
export function perSample(v: Tensor, x: Tensor): Tensor {
  if (v.ndim === 0) return v;
  if (v.ndim !== 1 || (v.shape[0] !== x.shape[0] && v.shape[0] !== 1)) {
    throw new RangeError(
      `A per-sample factor for shape [${x.shape}] must have shape [${x.shape[0]}], got [${v.shape}]`,
    );
  }
  return v.reshape([v.shape[0], ...x.shape.slice(1).map(() => 1)]);
}
