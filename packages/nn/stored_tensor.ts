/**
 * Tensors that lie in files and are read when they are asked for, whole or by parts.
 *
 * @module
 */

import type { SafetensorsDType, SafetensorsEntry } from "./safetensors_entry.ts";

/** A tensor in a file. */
export interface StoredTensor {
  /** The element type in the file. */
  readonly dtype: SafetensorsDType;
  /** The extent of each axis; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** The number of elements. */
  readonly size: number;
  /**
   * Reads elements, row-major.
   *
   * @param begin the first element; default 0
   * @param end the element after the last; default all
   * @returns the elements as a vector, undecoded
   * @throws {RangeError} when the elements are not there
   */
  read(begin?: number, end?: number): Promise<SafetensorsEntry>;
}

/** A checkpoint that is open: nothing but the description of its tensors was read. */
export interface TensorFile extends Disposable {
  /** What error messages call it. */
  readonly name: string;
  /** The tensors by name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What the file says beside them. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Some rows of a tensor as a tensor: how one projection is read out of several that are stored as one.
 *
 * @param tensor the tensor, of one axis at least
 * @param begin the first row
 * @param end the row after the last
 * @returns the rows `[end - begin, ...]`; reading them reads nothing else
 * @throws {RangeError} when it has no such rows
 */
export function rowsOf(tensor: StoredTensor, begin: number, end: number): StoredTensor {
  const [rows, ...rest] = tensor.shape;
  if (rows === undefined || !(0 <= begin && begin <= end && end <= rows)) {
    throw new RangeError(`Cannot take rows ${begin} to ${end} of a tensor of shape [${tensor.shape.join(", ")}]`);
  }
  const width = rest.reduce((n, d) => n * d, 1), size = (end - begin) * width, offset = begin * width;
  return {
    dtype: tensor.dtype,
    shape: [end - begin, ...rest],
    size,
    read: (from = 0, to = size) => tensor.read(offset + from, offset + to),
  };
}
