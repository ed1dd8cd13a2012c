/**
 * The element types of safetensors and one tensor of a file.
 *
 * @module
 */

import { bf16ToF32, f16ToF32 } from "./half.ts";

/** The element types of a safetensors file that dipp reads and writes. */
export type SafetensorsDType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "U64"
  | "I32"
  | "U32"
  | "I16"
  | "U16"
  | "I8"
  | "U8"
  | "BOOL";

/**
 * The elements of one tensor, in the array type of its dtype. `F16` and `BF16`
 * are raw bits in a `Uint16Array`, `BOOL` is one byte an element.
 */
export type SafetensorsData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/**
 * A tensor to be written. `F16` and `BF16` may be given as a `Float32Array`,
 * which is then rounded to nearest even.
 */
export interface SafetensorsInput {
  /** The element type on disk. */
  readonly dtype: SafetensorsDType;
  /** The extent of each axis; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** The elements, row-major. */
  readonly data: SafetensorsData;
}

/** A typed-array class that can view a part of a buffer. */
export type SafetensorsArray =
  & (new (
    buffer: ArrayBuffer,
    byteOffset: number,
    length: number,
  ) => SafetensorsData)
  & { readonly BYTES_PER_ELEMENT: number };

/** The array class of each dtype; its keys are all the dtypes known. */
export const ARRAYS: Readonly<Record<SafetensorsDType, SafetensorsArray>> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** One tensor of a parsed file: a view into the file's bytes, decoded late. */
export class SafetensorsEntry implements SafetensorsInput {
  /** The element type on disk. */
  readonly dtype: SafetensorsDType;
  /** The extent of each axis; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** The little-endian bytes, a view into the file's. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  /**
   * Wraps a tensor's bytes.
   *
   * @param dtype the element type
   * @param shape the extent of each axis
   * @param bytes the little-endian elements, row-major
   */
  constructor(
    dtype: SafetensorsDType,
    shape: readonly number[],
    bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = bytes;
  }

  /** The number of elements. */
  get size(): number {
    return this.bytes.length / ARRAYS[this.dtype].BYTES_PER_ELEMENT;
  }

  /** The elements as they are stored; a view where the alignment allows it. */
  get data(): SafetensorsData {
    const array = ARRAYS[this.dtype];
    const aligned = this.bytes.byteOffset % array.BYTES_PER_ELEMENT === 0;
    const bytes = aligned ? this.bytes : this.bytes.slice();
    return new array(bytes.buffer, bytes.byteOffset, this.size);
  }

  /**
   * The elements as float32 numbers, converted when called: exact for `F16`,
   * `BF16` and the small integers, rounded for the 64-bit types.
   *
   * @returns the values; for `F32` a view where the alignment allows it
   */
  toFloat32(): Float32Array<ArrayBuffer> {
    const data = this.data;
    if (data instanceof Float32Array) {
      return data as Float32Array<ArrayBuffer>;
    }
    if (data instanceof Uint16Array && this.dtype !== "U16") {
      return this.dtype === "BF16" ? bf16ToF32(data) : f16ToF32(data);
    }
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      const out = new Float32Array(data.length);
      for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
      return out;
    }
    return new Float32Array(data);
  }
}
