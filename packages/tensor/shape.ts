/** Shape arithmetic: sizes, strides, axes and NumPy broadcasting. */

/** Lengths of a tensor's axes, outermost first. */
export type Shape = readonly number[];

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) {
    strides[i] = strides[i + 1] * shape[i + 1];
  }
  return strides;
}

/** Shape in the notation of messages: `[2, 3]`. */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Non-negative index of an axis that may count from the end. */
export function normalizeAxis(axis: number, ndim: number, op: string): number {
  const positive = axis < 0 ? axis + ndim : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= ndim) {
    throw new RangeError(
      `Cannot apply ${op} along axis ${axis}: ` +
        (ndim === 0 ? "a scalar has no axes" : `expected an integer in [${-ndim}, ${ndim - 1}]`),
    );
  }
  return positive;
}

/** Sorted distinct axes; undefined means all of them. */
export function normalizeAxes(
  axes: number | readonly number[] | undefined,
  ndim: number,
  op: string,
): number[] {
  if (axes === undefined) return Array.from({ length: ndim }, (_, i) => i);
  const list = (typeof axes === "number" ? [axes] : axes).map((a) => normalizeAxis(a, ndim, op));
  if (new Set(list).size !== list.length) {
    throw new RangeError(
      `Cannot apply ${op} along axes ${show(list)}: expected distinct axes`,
    );
  }
  return [...list].sort((a, b) => a - b);
}

/** Common shape of two operands under NumPy broadcasting. */
export function broadcastShapes(a: Shape, b: Shape, op: string): number[] {
  const ndim = Math.max(a.length, b.length);
  return Array.from({ length: ndim }, (_, i) => {
    const m = a[i - ndim + a.length] ?? 1;
    const n = b[i - ndim + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) {
      throw new RangeError(
        `Cannot broadcast shapes ${show(a)} and ${show(b)} in ${op}: axis ${i} has lengths ${m} and ${n}`,
      );
    }
    return m === 1 ? n : m;
  });
}
