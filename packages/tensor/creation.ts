/** Tensors made from data, constants and ranges. */
import { type DType, dtypeOf, encode, type TypedArray } from "./dtype.ts";
import { iota } from "./primitives/generate.ts";
import { type Shape, show, sizeOf } from "./shape.ts";
import { full } from "./ops/elementwise.ts";
import { Tensor } from "./tensor.ts";

/** Numbers nested to any depth, rectangular. */
export type Nested = number | readonly Nested[];

function nestedShape(data: Nested): number[] {
  return typeof data === "number" ? [] : [data.length, ...(data.length > 0 ? nestedShape(data[0]) : [])];
}

function flattenNested(data: Nested, shape: Shape, out: number[]): number[] {
  if (typeof data === "number") {
    if (shape.length > 0) {
      throw new RangeError(
        "Cannot make a tensor of ragged data: found a number where an array was expected",
      );
    }
    out.push(data);
    return out;
  }
  if (data.length !== shape[0]) {
    throw new RangeError(
      `Cannot make a tensor of ragged data: an array has ${data.length} elements, expected ${shape[0]}`,
    );
  }
  for (const part of data) flattenNested(part, shape.slice(1), out);
  return out;
}

/**
 * A tensor with the given elements, copied to the device when first used.
 *
 * @param data A number, nested arrays, or a typed array in row-major order.
 * @param shape Its shape; by default that of the nesting, or one axis for typed arrays.
 * @param dtype Its dtype; by default f32 for numbers, the array's own for typed arrays (Uint8Array: bool).
 * @throws {RangeError} If the data is ragged or does not fill the shape.
 *
 * @example
 * ```ts
 * import { tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tensor([[1, 2, 3], [4, 5, 6]]).shape, [2, 3]);
 * assertEquals(tensor(Int32Array.of(1, 2, 3, 4), [2, 2]).dtype, "i32");
 * ```
 */
export function tensor(
  data: Nested | TypedArray,
  shape?: Shape,
  dtype?: DType,
): Tensor {
  const typed = ArrayBuffer.isView(data);
  const natural = typed ? [data.length] : nestedShape(data);
  const flat = typed ? data : flattenNested(data, natural, []);
  const dims = [...(shape ?? natural)];
  if (sizeOf(dims) !== flat.length) {
    throw new RangeError(
      `Cannot make a tensor of shape ${show(dims)} from ${flat.length} elements: expected ${sizeOf(dims)}`,
    );
  }
  const type = dtype ?? (typed ? dtypeOf(data) : "f32");
  const host = encode(flat, type);
  // A view of the caller's array would change with it
  const own = typed && host.buffer === data.buffer ? data.slice() : host;
  return new Tensor({ kind: "leaf", name: "data" }, [], dims, type, {
    host: own,
  });
}

/** A tensor of no axes that holds one number. */
export function scalar(value: number, dtype: DType = "f32"): Tensor {
  return tensor([value], [], dtype);
}

/** Zeros. */
export function zeros(shape: Shape, dtype: DType = "f32"): Tensor {
  return full(shape, 0, dtype);
}

/** Ones. */
export function ones(shape: Shape, dtype: DType = "f32"): Tensor {
  return full(shape, 1, dtype);
}

/** 0, 1, ..., n - 1. */
export function arange(n: number, dtype: DType = "f32"): Tensor {
  if (!Number.isInteger(n) || n < 0) {
    throw new RangeError(
      `Cannot make arange(${n}): expected a non-negative integer`,
    );
  }
  return new Tensor(iota(dtype), [], [n], dtype);
}
