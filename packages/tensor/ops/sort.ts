/** Order: sorting, and the largest elements. */
import { arange } from "../creation.ts";
import { normalizeAxis, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { gather } from "./indexing.ts";

/** Sorted values and where they were. */
export interface Sorted {
  /** The values, in order; gradients flow to where they were. */
  readonly values: Tensor;
  /** Their positions along the axis, i32. */
  readonly indices: Tensor;
}

/**
 * Positions that sort an axis; equal elements keep their order. Counts, for each element, those that come before it:
 * n^2 comparisons for an axis of length n, all at once, which suits a device up to some thousands.
 *
 * @param x The tensor, free of NaN.
 * @param axis The axis; the last by default.
 * @param descending Largest first.
 * @returns i32, of x's shape.
 */
export function argsort(x: Tensor, axis = -1, descending = false): Tensor {
  const at = normalizeAxis(axis, x.ndim, "argsort");
  const n = x.shape[at];
  const rows = x.transpose(at, -1);
  const [one, other] = [rows.unsqueeze(-1), rows.unsqueeze(-2)];
  const position = arange(n, "i32");
  const earlier = other.eq(one).logicalAnd(position.lt(position.unsqueeze(1)));
  const before = (descending ? other.gt(one) : other.lt(one)).logicalOr(earlier);
  const rank = before.sum(-1);
  const hit = rank.unsqueeze(-2).eq(position.unsqueeze(1));
  return position.expand(hit.shape).where(hit, 0).sum(-1).transpose(at, -1);
}

/**
 * Sorts along an axis (torch.sort, stable).
 *
 * @param x The tensor, free of NaN.
 * @param axis The axis; the last by default.
 * @param descending Largest first.
 *
 * @example
 * ```ts
 * import { sort, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const { values, indices } = sort(tensor([3, 1, 2]));
 * assertEquals([...await values.data()], [1, 2, 3]);
 * assertEquals([...await indices.data()], [1, 2, 0]);
 * ```
 */
export function sort(x: Tensor, axis = -1, descending = false): Sorted {
  const indices = argsort(x, axis, descending);
  return { values: gather(x, axis, indices), indices };
}

/**
 * The k largest elements along an axis, in order (torch.topk).
 *
 * @param x The tensor, free of NaN.
 * @param k How many, at most the axis's length.
 * @param axis The axis; the last by default.
 * @param largest False for the smallest, in rising order.
 */
export function topk(x: Tensor, k: number, axis = -1, largest = true): Sorted {
  const at = normalizeAxis(axis, x.ndim, "topk");
  if (!Number.isInteger(k) || k < 0 || k > x.shape[at]) {
    throw new RangeError(
      `Cannot take the top ${k} along axis ${axis} of ${show(x.shape)}: expected an integer in [0, ${x.shape[at]}]`,
    );
  }
  const indices = argsort(x, at, largest).slice(x.shape.map((_, a) => a === at ? [0, k] : null));
  return { values: gather(x, at, indices), indices };
}
