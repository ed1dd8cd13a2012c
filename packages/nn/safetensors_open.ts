/**
 * Safetensors files that are not read as a whole: the header first, each tensor when it is asked for.
 *
 * @module
 */

import { type ByteSource, openBytes } from "./byte_source.ts";
import { ARRAYS, SafetensorsEntry } from "./safetensors_entry.ts";
import { type HeaderEntry, headerLength, parseHeader } from "./safetensors_header.ts";
import type { StoredTensor, TensorFile } from "./stored_tensor.ts";

/**
 * Opens a safetensors file and reads its header, which is checked as by `parseSafetensors`. A checksum that dipp stored
 * is not verified, since that takes all bytes; `readSafetensors` does.
 *
 * @param source a path, or bytes that can be read by offset
 * @returns the tensors, unread; to be disposed of
 * @throws {RangeError} when the file is truncated, or an offset or a size is wrong
 * @throws {TypeError} when there is no such file, or the header is not what the format says
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openSafetensors, writeSafetensors } from "@dipp/nn";
 *
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const table = { dtype: "F32", shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) } as const;
 * await writeSafetensors(path, { table });
 * using file = await openSafetensors(path);
 * assertEquals((await file.tensors.get("table")!.read(2, 4)).toFloat32(), new Float32Array([3, 4]));
 * ```
 */
export async function openSafetensors(source: string | ByteSource): Promise<TensorFile> {
  const bytes = typeof source === "string" ? await openBytes(source) : source;
  try {
    const { name } = bytes;
    const length = headerLength(await bytes.read(0, Math.min(8, bytes.length)), bytes.length, name);
    const text = await bytes.read(8, 8 + length);
    const { entries, metadata } = parseHeader(text, bytes.length - 8 - length, name);
    const tensors = new Map(entries.map((entry) => [entry.key, stored(entry, bytes, 8 + length)]));
    return { name, tensors, metadata, [Symbol.dispose]: () => bytes[Symbol.dispose]() };
  } catch (error) {
    bytes[Symbol.dispose]();
    throw error;
  }
}

function stored(entry: HeaderEntry, bytes: ByteSource, dataStart: number): StoredTensor {
  const { key, dtype, shape, begin, end } = entry;
  const width = ARRAYS[dtype].BYTES_PER_ELEMENT, size = (end - begin) / width;
  return {
    dtype,
    shape,
    size,
    async read(from = 0, to = size) {
      if (!(0 <= from && from <= to && to <= size)) {
        throw new RangeError(`Cannot read elements ${from} to ${to} of "${key}": it has ${size}`);
      }
      const first = dataStart + begin;
      return new SafetensorsEntry(dtype, [to - from], await bytes.read(first + from * width, first + to * width));
    },
  };
}
