/** Shape arithmetic. */

/** Lengths of axes, outermost first. */
export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/** In the notation of messages: `[2, 3]`. */
export function show(shape: readonly (number | string)[]): string {
  return `[${shape.join(", ")}]`;
}

/** Non-negative index of an axis that may count from the end. */
export function normalizeAxis(axis: number, ndim: number): number {
  const positive = axis < 0 ? axis + ndim : axis;
  if (Number.isInteger(axis) && positive >= 0 && positive < ndim) return positive;
  throw new RangeError(
    `axis ${axis} is out of range: ${ndim === 0 ? "a scalar has none" : `expected [${-ndim}, ${ndim - 1}]`}`,
  );
}

/** Common shape of operands under NumPy's broadcasting. */
export function broadcastShapes(...shapes: Shape[]): number[] {
  const ndim = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: ndim }, (_, i) =>
    shapes.reduce((n, shape) => {
      const m = shape[i - ndim + shape.length] ?? 1;
      if (m === n || m === 1) return n;
      if (n === 1) return m;
      throw new RangeError(`shapes ${shapes.map(show).join(" and ")} do not broadcast: axis ${i} has ${n} and ${m}`);
    }, 1));
}
