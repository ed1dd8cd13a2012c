/** The same elements under other shapes and coordinates. */
import * as views from "../primitives/view.ts";
import { normalizeAxes, normalizeAxis, sameShape, type Shape, show, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { full } from "./elementwise.ts";

/** One axis of a slice, with Python's meaning: [start, end, step], null or omitted for the default. */
export type Range =
  | readonly [start?: number | null, end?: number | null, step?: number | null]
  | null;

/** Row-major elements under another shape; one length may be -1. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const known = shape.reduce((a, n) => n === -1 ? a : a * n, 1);
  const full = shape.map((n) => n === -1 ? x.size / known : n);
  if (sizeOf(full) !== x.size || full.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new RangeError(`Cannot reshape ${show(x.shape)} to ${show(shape)}: expected ${x.size} elements`);
  }
  return sameShape(full, x.shape) ? x : new Tensor(views.reshape(x, full), [x], full, x.dtype);
}

/** Output axis k is axis axes[k]. */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  const order = axes.map((a) => normalizeAxis(a, x.ndim, "permute"));
  if (order.length !== x.ndim || new Set(order).size !== x.ndim) {
    throw new RangeError(
      `Cannot permute ${show(x.shape)} by ${show(axes)}: expected each of ${x.ndim} axes once`,
    );
  }
  if (order.every((a, i) => a === i)) return x;
  return new Tensor(views.permute(x, order), [x], order.map((a) => x.shape[a]), x.dtype);
}

/** Swaps two axes. */
export function transpose(x: Tensor, a: number, b: number): Tensor {
  const [i, j] = [a, b].map((axis) => normalizeAxis(axis, x.ndim, "transpose"));
  return permute(x, x.shape.map((_, k) => k === i ? j : k === j ? i : k));
}

/** Moves an axis to another place; the others keep their order. */
export function movedim(x: Tensor, from: number, to: number): Tensor {
  const [i, j] = [from, to].map((axis) => normalizeAxis(axis, x.ndim, "movedim"));
  const order = x.shape.map((_, k) => k).filter((k) => k !== i);
  order.splice(j, 0, i);
  return permute(x, order);
}

/** Repeats axes of length one, and adds leading axes, up to a shape; a length of -1 stays what it is. */
export function expand(x: Tensor, lengths: Shape): Tensor {
  const lead = lengths.length - x.ndim;
  const shape = lengths.map((n, i) => n === -1 && i >= lead ? x.shape[i - lead] : n);
  if (sameShape(shape, x.shape)) return x;
  if (lead < 0 || shape.some((n) => n < 0) || x.shape.some((n, i) => n !== 1 && n !== shape[i + lead])) {
    throw new RangeError(`Cannot expand ${show(x.shape)} to ${show(shape)}: only axes of length 1 repeat`);
  }
  const y = reshape(x, [...new Array<number>(lead).fill(1), ...x.shape]);
  return sameShape(shape, y.shape) ? y : new Tensor(views.expand(y, shape), [y], shape, x.dtype);
}

/** Part of each axis, with Python's meaning of [start, end, step]; a negative step walks backwards. */
export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  if (ranges.length > x.ndim) {
    throw new RangeError(`Cannot slice ${show(x.shape)} with ${ranges.length} ranges: it has ${x.ndim} axes`);
  }
  const backwards = ranges.flatMap((range, i) => (range?.[2] ?? 1) < 0 ? [i] : []);
  const resolved = x.shape.map((n, i) => resolveRange(n, ranges[i] ?? [], i));
  const base = backwards.length > 0 ? flip(x, backwards) : x;
  const shape = resolved.map((r) => r.count);
  if (sameShape(shape, base.shape)) return base;
  return new Tensor(views.slice(base, resolved), [base], shape, x.dtype);
}

/** A range of an axis of length n as start, step and count, along the reversed axis where the step is negative. */
function resolveRange(
  n: number,
  [start, end, step]: NonNullable<Range>,
  axis: number,
): { start: number; step: number; count: number } {
  const by = step ?? 1;
  for (const [what, value] of Object.entries({ start, end, step: by })) {
    if (value != null && (!Number.isInteger(value) || (what === "step" && value === 0))) {
      throw new RangeError(
        `Cannot slice axis ${axis} with ${what} ${value}: expected ${what === "step" ? "a non-zero" : "an"} integer`,
      );
    }
  }
  const size = Math.abs(by);
  // Along the reversed axis, position p is n - 1 - p
  const place = (v: number) => by > 0 ? (v < 0 ? v + n : v) : n - 1 - (v < 0 ? v + n : v);
  const bound = (v: number | null | undefined, fallback: number) =>
    v == null ? fallback : Math.min(n, Math.max(0, place(v)));
  const from = bound(start, 0);
  return { start: from, step: size, count: Math.max(0, Math.ceil((bound(end, n) - from) / size)) };
}

/** One position of an axis, which goes (torch.select). */
export function select(x: Tensor, axis: number, index: number): Tensor {
  const at = normalizeAxis(axis, x.ndim, "select");
  const n = x.shape[at];
  const i = index < 0 ? index + n : index;
  if (!Number.isInteger(index) || i < 0 || i >= n) {
    throw new RangeError(
      `Cannot select position ${index} of axis ${axis} of ${show(x.shape)}: expected an integer in [${-n}, ${n - 1}]`,
    );
  }
  return squeeze(slice(x, x.shape.map((_, a) => a === at ? [i, i + 1] : null)), at);
}

/** Surrounds with a value: [before, after] per axis; negative amounts crop. */
export function pad(x: Tensor, pads: readonly (readonly [number, number])[], value: number): Tensor {
  if (pads.length !== x.ndim) {
    throw new RangeError(
      `Cannot pad ${show(x.shape)} with ${pads.length} pairs: expected one for each of ${x.ndim} axes`,
    );
  }
  const y = slice(x, pads.map(([b, a], i) => [Math.max(0, -b), x.shape[i] + Math.min(0, a)]));
  const amounts = pads.map(([b, a]) => [Math.max(0, b), Math.max(0, a)] as const);
  if (amounts.every(([b, a]) => b + a === 0)) return y;
  const shape = y.shape.map((n, i) => n + amounts[i][0] + amounts[i][1]);
  if (y.size === 0) return full(shape, value, x.dtype);
  return new Tensor(views.pad(y, amounts, value), [y], shape, x.dtype);
}

/** Reverses axes. */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  return new Tensor(views.flip(x, normalizeAxes(axes, x.ndim, "flip")), [x], x.shape, x.dtype);
}

/** Removes an axis of length one, or all of them. */
export function squeeze(x: Tensor, axis?: number): Tensor {
  if (axis === undefined) return reshape(x, x.shape.filter((n) => n !== 1));
  const at = normalizeAxis(axis, x.ndim, "squeeze");
  if (x.shape[at] !== 1) {
    throw new RangeError(`Cannot squeeze axis ${axis} of ${show(x.shape)}: expected length 1`);
  }
  return reshape(x, x.shape.filter((_, i) => i !== at));
}

/** Adds an axis of length one. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.ndim + 1, "unsqueeze");
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Joins the axes from start to end, both included, into one. */
export function flatten(x: Tensor, start: number, end: number): Tensor {
  if (x.ndim === 0) return reshape(x, [1]);
  const [i, j] = [start, end].map((axis) => normalizeAxis(axis, x.ndim, "flatten"));
  if (i > j) throw new RangeError(`Cannot flatten ${show(x.shape)} from axis ${start} to ${end}: expected an order`);
  return reshape(x, [...x.shape.slice(0, i), sizeOf(x.shape.slice(i, j + 1)), ...x.shape.slice(j + 1)]);
}
