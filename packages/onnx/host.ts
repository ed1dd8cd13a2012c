/** Arithmetic on arrays of the host: what shapes are computed with. */
import type { ElementType } from "./element_type.ts";
import { broadcastShapes, type Shape, sizeOf, stridesOf } from "./shape.ts";
import type { HostArray } from "./tensor_data.ts";

const INTEGER_BITS: Readonly<Partial<Record<ElementType, readonly [bits: number, signed: boolean]>>> = {
  int8: [8, true],
  int16: [16, true],
  int32: [32, true],
  uint8: [8, false],
  uint16: [16, false],
  uint32: [32, false],
};

/** A number as an element type holds it: rounded, cut off, wrapped round as C does. */
export function store(x: number, type: ElementType): number {
  if (type === "float32") return Math.fround(x);
  if (type === "float16") return Math.f16round(x);
  if (type === "bool") return x ? 1 : 0;
  if (type === "float64" || type === "bfloat16") return x;
  const whole = Math.trunc(x) || 0;
  const [bits, signed] = INTEGER_BITS[type] ?? [];
  if (bits === undefined) return whole;
  const wrapped = ((whole % 2 ** bits) + 2 ** bits) % 2 ** bits;
  return signed && wrapped >= 2 ** (bits - 1) ? wrapped - 2 ** bits : wrapped;
}

/** A function of the elements of arrays that broadcast. */
export function mapHost(
  f: (...elements: number[]) => number,
  type: ElementType,
  ...arrays: readonly HostArray[]
): HostArray {
  const shape = broadcastShapes(...arrays.map((a) => a.shape));
  const wide = arrays.map((a) => expandHost(a, shape).data);
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => store(f(...wide.map((d) => d[i])), type));
  return { type, shape, data };
}

/**
 * The elements at `offset + sum_i c_i strides_i` for each coordinate c of a shape: slices, permutations and repetitions.
 */
export function viewHost(array: HostArray, shape: Shape, strides: readonly number[], offset = 0): HostArray {
  const size = sizeOf(shape);
  const data = new Array<number>(size);
  const at = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let i = 0; i < size; i++) {
    data[i] = array.data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++at[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return { type: array.type, shape: [...shape], data };
}

/** Repeats axes of length one and adds leading ones. */
export function expandHost(array: HostArray, shape: Shape): HostArray {
  if (array.shape.length === shape.length && array.shape.every((n, i) => n === shape[i])) return array;
  const own = stridesOf(array.shape);
  const lead = shape.length - array.shape.length;
  const strides = shape.map((_, i) => i < lead || array.shape[i - lead] === 1 ? 0 : own[i - lead]);
  return viewHost(array, shape, strides);
}

/** The same elements under another shape. */
export function reshapeHost({ type, data }: HostArray, shape: Shape): HostArray {
  return { type, data, shape };
}

/** Reorders axes. */
export function permuteHost(array: HostArray, order: readonly number[]): HostArray {
  const strides = stridesOf(array.shape);
  return viewHost(array, order.map((a) => array.shape[a]), order.map((a) => strides[a]));
}

/** Joins along an axis. */
export function concatHost(arrays: readonly HostArray[], axis: number): HostArray {
  const [{ type, shape }] = arrays;
  const outer = sizeOf(shape.slice(0, axis));
  const inner = arrays.map((a) => sizeOf(a.shape.slice(axis)));
  const data: number[] = [];
  for (let i = 0; i < outer; i++) {
    arrays.forEach((a, k) => {
      for (let j = 0; j < inner[k]; j++) data.push(a.data[i * inner[k] + j]);
    });
  }
  const length = arrays.reduce((n, a) => n + a.shape[axis], 0);
  return { type, shape: shape.map((n, i) => i === axis ? length : n), data };
}

/** The positions of an axis that an array of indices names, its axes in the place of that one. */
export function takeHost(array: HostArray, axis: number, indices: HostArray): HostArray {
  const n = array.shape[axis];
  const inner = sizeOf(array.shape.slice(axis + 1));
  const data: number[] = [];
  for (let outer = 0; outer < sizeOf(array.shape.slice(0, axis)); outer++) {
    for (let k = 0; k < indices.data.length; k++) {
      const at = position(indices.data[k], n);
      for (let i = 0; i < inner; i++) data.push(array.data[(outer * n + at) * inner + i]);
    }
  }
  return { type: array.type, shape: array.shape.toSpliced(axis, 1, ...indices.shape), data };
}

/** An index that may count from the end; throws a RangeError where it is outside. */
export function position(index: number, length: number): number {
  const at = index < 0 ? index + length : index;
  if (at >= 0 && at < length) return at;
  throw new RangeError(`index ${index} is out of range: expected [${-length}, ${length - 1}]`);
}

/** Combines the elements along axes. */
export function reduceHost(
  array: HostArray,
  axes: readonly number[],
  keepdims: boolean,
  combine: (elements: number[]) => number,
): HostArray {
  const { type, shape } = array;
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const { data } = permuteHost(array, [...kept, ...axes]);
  const count = sizeOf(axes.map((a) => shape[a]));
  const result = shape.flatMap((n, i) => axes.includes(i) ? (keepdims ? [1] : []) : [n]);
  const rows = Array.from({ length: sizeOf(result) }, (_, i) => Array.from(data).slice(i * count, (i + 1) * count));
  return { type, shape: result, data: rows.map((row) => store(combine(row), type)) };
}
