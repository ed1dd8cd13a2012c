/** Reductions over axes. */
import { isFloat, isHalf } from "../dtype.ts";
import type { ReducePrimitive } from "../primitive.ts";
import { reduce } from "../primitives/reduce.ts";
import { normalizeAxes, show, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { full } from "./elementwise.ts";

/** Axes to reduce: one, several, or all when omitted. */
export type Axes = number | readonly number[] | undefined;

/** What a reduction of nothing gives; the extremes of nothing do not exist. */
const EMPTY: Partial<Record<ReducePrimitive["combine"], number>> = { sum: 0, prod: 1 };

/** Near-square divisor of a long count, or 1 where none is worth it. */
function splitCount(count: number): number {
  if (count < 4096) return 1;
  for (let d = Math.floor(Math.sqrt(count)); d >= 32; d--) {
    if (count % d === 0) return d;
  }
  return 1;
}

/** Combines the elements along axes. */
export function reduceAxes(x: Tensor, combine: ReducePrimitive["combine"], axes: Axes, keepdim: boolean): Tensor {
  if (isHalf(x.dtype)) return reduceAxes(x.cast("f32"), combine, axes, keepdim).cast(x.dtype);
  if (x.dtype === "bool") {
    const total = reduceAxes(x.cast("i32"), combine, axes, keepdim);
    return combine === "max" || combine === "min" ? total.cast("bool") : total;
  }
  const list = normalizeAxes(axes, x.ndim, combine);
  const long = list.filter((a) => x.shape[a] !== 1);
  const result = x.shape.flatMap((n, i) => list.includes(i) ? (keepdim ? [1] : []) : [n]);
  if (long.length === 0) return x.reshape(result);
  const count = long.reduce((n, a) => n * x.shape[a], 1);
  if (count === 0) {
    const value = EMPTY[combine];
    if (value === undefined && sizeOf(result) > 0) {
      throw new RangeError(`Cannot take the ${combine} of ${show(x.shape)} along ${show(list)}: it has no elements`);
    }
    return full(result, value ?? 0, x.dtype);
  }
  const parts = x.size === count ? splitCount(count) : 1;
  if (parts > 1) {
    // One long sum becomes many short ones, then one: every core gets work, and rounding errors stay small
    const partial = reduceAxes(x.reshape([parts, count / parts]), combine, 1, false);
    return reduceAxes(partial, combine, 0, false).reshape(result);
  }
  const kept = x.shape.map((n, i) => long.includes(i) ? 1 : n);
  return new Tensor(reduce(x, combine, long), [x], kept, x.dtype).reshape(result);
}

/** Sum over axes; truth values are counted. */
export function sum(x: Tensor, axes: Axes, keepdim: boolean): Tensor {
  return reduceAxes(x.dtype === "bool" ? x.cast("i32") : x, "sum", axes, keepdim);
}

/** Mean over axes; NaN of nothing. */
export function mean(x: Tensor, axes: Axes, keepdim: boolean): Tensor {
  const total = sum(isFloat(x.dtype) ? x : x.cast("f32"), axes, keepdim);
  return x.size === 0 ? full(total.shape, NaN, total.dtype) : total.mul(total.size / x.size);
}

/** Variance over axes: squared deviations over (n - correction). */
export function variance(x: Tensor, axes: Axes, keepdim: boolean, correction: number): Tensor {
  const squares = x.sub(mean(x, axes, true)).square().sum(axes, keepdim);
  return squares.div(x.size / squares.size - correction);
}

/** Norm over axes: (sum |x|^p)^(1/p), the largest |x| for p = Infinity. At zero its gradient is zero, as torch's. */
export function norm(x: Tensor, p: number, axes: Axes, keepdim: boolean): Tensor {
  if (!(p > 0)) throw new RangeError(`Cannot take the norm of order ${p}: expected a positive number or Infinity`);
  if (p === Infinity) return x.abs().max(axes, keepdim);
  if (p === 1) return x.abs().sum(axes, keepdim);
  const total = (p === 2 ? x.square() : x.abs().pow(p)).sum(axes, keepdim);
  // The root is infinitely steep at zero, so there it is taken of one
  const isZero = total.eq(0);
  const safe = full(total.shape, 1, total.dtype).where(isZero, total);
  const root = p === 2 ? safe.sqrt() : safe.pow(1 / p);
  return full(root.shape, 0, root.dtype).where(isZero, root);
}
