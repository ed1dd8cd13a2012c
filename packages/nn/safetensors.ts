/**
 * Safetensors files: read whole, written so that a crash at any moment leaves
 * either the old file or the new one.
 *
 * @module
 */

import { writeAtomic } from "./atomic_file.ts";
import type { SafetensorsInput } from "./safetensors_entry.ts";
import { parseSafetensors, type SafetensorsFile } from "./safetensors_parse.ts";
import { type SerialiseOptions, serialiseSafetensors } from "./safetensors_serialise.ts";

/** How {@linkcode writeSafetensors} writes. */
export interface WriteSafetensorsOptions extends SerialiseOptions {
  /**
   * Store a checksum of the file in its metadata, which
   * {@linkcode readSafetensors} verifies. Default true.
   */
  readonly checksum?: boolean;
}

const CHECKSUM_KEY = "dipp.sha256";
const NO_CHECKSUM = "0".repeat(64);

/**
 * Reads a safetensors file. The tensors stay undecoded until they are asked
 * for; they share the memory of the file.
 *
 * @param source a path or the bytes of a file
 * @returns the tensors and the metadata
 * @throws {RangeError} when the file is truncated, an offset is wrong, or the
 * checksum that dipp stored in it does not match
 * @throws {TypeError} when the header is not what the format says
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readSafetensors, writeSafetensors } from "@dipp/nn";
 *
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const data = new Float32Array([1, 2]);
 * const weight = { dtype: "F32", shape: [2], data } as const;
 * await writeSafetensors(path, { weight }, { step: "7" });
 * const { tensors, metadata } = await readSafetensors(path);
 * assertEquals(tensors.get("weight")?.data, new Float32Array([1, 2]));
 * assertEquals(metadata, { step: "7" });
 * await Deno.remove(path);
 * ```
 */
export async function readSafetensors(
  source: string | Uint8Array<ArrayBuffer>,
): Promise<SafetensorsFile> {
  const isPath = typeof source === "string";
  const bytes = isPath ? await Deno.readFile(source) : source;
  const name = isPath ? source : "safetensors";
  const { tensors, metadata } = parseSafetensors(bytes, name);
  const { [CHECKSUM_KEY]: expected, ...rest } = metadata;
  if (expected !== undefined) {
    const actual = await checksum(bytes, expected);
    if (actual !== expected) {
      throw new RangeError(
        `Cannot read ${name}: its checksum is ${actual}, expected ` +
          `${expected}: the file is corrupted`,
      );
    }
  }
  return { tensors, metadata: rest };
}

/**
 * Writes a safetensors file: into a temporary file beside it, synced, then
 * renamed over the path. By default a SHA-256 of the file goes into its
 * metadata.
 *
 * @param path where to write
 * @param tensors the tensors by name
 * @param metadata strings to be stored beside them
 * @param options see {@linkcode WriteSafetensorsOptions}
 * @throws {RangeError} when a tensor has another number of elements than its
 * shape
 * @throws {TypeError} when a tensor's array is not the one of its dtype
 */
export async function writeSafetensors(
  path: string,
  tensors:
    | ReadonlyMap<string, SafetensorsInput>
    | Readonly<Record<string, SafetensorsInput>>,
  metadata: Readonly<Record<string, string>> = {},
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  const checked = options.checksum ?? true;
  const { [CHECKSUM_KEY]: _, ...rest } = metadata;
  const bytes = serialiseSafetensors(
    tensors,
    checked ? { ...rest, [CHECKSUM_KEY]: NO_CHECKSUM } : rest,
    options,
  );
  if (checked) {
    const value = await checksum(bytes, NO_CHECKSUM);
    const at = checksumOffset(headerOf(bytes), NO_CHECKSUM);
    bytes.set(new TextEncoder().encode(value), 8 + at);
  }
  await writeAtomic(path, bytes);
}

/** SHA-256 over the digests of header and data, the stored value zeroed. */
async function checksum(
  bytes: Uint8Array<ArrayBuffer>,
  stored: string,
): Promise<string> {
  const header = headerOf(bytes);
  const zeroed = header.slice();
  const at = checksumOffset(header, stored);
  if (at >= 0) zeroed.set(new TextEncoder().encode(NO_CHECKSUM), at);
  const parts = await Promise.all([
    crypto.subtle.digest("SHA-256", zeroed),
    crypto.subtle.digest("SHA-256", bytes.subarray(8 + header.length)),
  ]);
  const both = new Uint8Array(64);
  parts.forEach((digest, i) => both.set(new Uint8Array(digest), 32 * i));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", both));
  return digest.toHex();
}

function headerOf(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return bytes.subarray(8, 8 + Number(view.getBigUint64(0, true)));
}

/** The byte at which the stored checksum begins in the header, or -1. */
function checksumOffset(header: Uint8Array, stored: string): number {
  const text = new TextEncoder().encode(`"${CHECKSUM_KEY}":"${stored}"`);
  const start = text.length - 1 - stored.length;
  for (let i = 0; i + text.length <= header.length; i++) {
    let j = 0;
    while (j < text.length && header[i + j] === text[j]) j++;
    if (j === text.length) return i + start;
  }
  return -1;
}
