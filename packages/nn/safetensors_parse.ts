/**
 * Reading the safetensors format: eight bytes of header length, a JSON header,
 * the tensors' bytes.
 *
 * Source: huggingface/safetensors, README, "Format".
 *
 * @module
 */

import { SafetensorsEntry } from "./safetensors_entry.ts";
import { headerLength, parseHeader } from "./safetensors_header.ts";

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** The tensors by name, in the order of the file. */
  readonly tensors: Map<string, SafetensorsEntry>;
  /** The `__metadata__` strings; empty when the file has none. */
  readonly metadata: Record<string, string>;
}

/**
 * Parses a safetensors file, checking everything that the header claims.
 *
 * @param bytes the whole file
 * @param name what error messages call it
 * @returns its tensors, as views into `bytes`, and its metadata
 * @throws {RangeError} when the file is truncated, or an offset or a size is
 * wrong: tensors must follow each other without gaps or overlaps
 * @throws {TypeError} when the header is not what the format says
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseSafetensors, serialiseSafetensors } from "@dipp/nn";
 *
 * const bytes = serialiseSafetensors({
 *   "fc.bias": { dtype: "BF16", shape: [2], data: new Float32Array([1, 2.5]) },
 * }, { step: "7" });
 * const { tensors, metadata } = parseSafetensors(bytes);
 * assertEquals(tensors.get("fc.bias")?.toFloat32(), new Float32Array([1, 2.5]));
 * assertEquals(metadata, { step: "7" });
 * ```
 */
export function parseSafetensors(
  bytes: Uint8Array<ArrayBuffer>,
  name = "safetensors",
): SafetensorsFile {
  const length = headerLength(bytes, bytes.length, name);
  const data = bytes.subarray(8 + length);
  const { entries, metadata } = parseHeader(bytes.subarray(8, 8 + length), data.length, name);
  const tensors = new Map(entries.map(({ key, dtype, shape, begin, end }) => [
    key,
    new SafetensorsEntry(dtype, shape, data.subarray(begin, end)),
  ]));
  return { tensors, metadata };
}
