/**
 * Reading the safetensors format: eight bytes of header length, a JSON header,
 * the tensors' bytes.
 *
 * Source: huggingface/safetensors, README, "Format".
 *
 * @module
 */

import { ARRAYS, type SafetensorsDType, SafetensorsEntry } from "./safetensors_entry.ts";

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** The tensors by name, in the order of the file. */
  readonly tensors: Map<string, SafetensorsEntry>;
  /** The `__metadata__` strings; empty when the file has none. */
  readonly metadata: Record<string, string>;
}

const MAX_HEADER_BYTES = 100_000_000;

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
  const { header, dataStart } = parseHeader(bytes, name);
  const data = bytes.subarray(dataStart);
  const metadata: Record<string, string> = {};
  const spans: { key: string; begin: number; end: number }[] = [];
  const found = new Map<string, SafetensorsEntry>();
  for (const [key, value] of Object.entries(header)) {
    if (key === "__metadata__") {
      readMetadata(value, metadata, name);
      continue;
    }
    const { dtype, shape, begin, end } = readEntry(value, key, name);
    if (end > data.length) {
      throw new RangeError(
        `Cannot read ${name}: tensor "${key}" ends at byte ${end}, but the ` +
          `file holds ${data.length} bytes of data: the file is truncated`,
      );
    }
    spans.push({ key, begin, end });
    found.set(
      key,
      new SafetensorsEntry(dtype, shape, data.subarray(begin, end)),
    );
  }
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(spans, data.length, name);
  const tensors = new Map<string, SafetensorsEntry>();
  for (const { key } of spans) tensors.set(key, found.get(key)!);
  return { tensors, metadata };
}

function parseHeader(
  bytes: Uint8Array,
  name: string,
): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) {
    throw new RangeError(
      `Cannot read ${name}: ${bytes.length} bytes are too few for a header`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length > bytes.length - 8) {
    throw new RangeError(
      `Cannot read ${name}: the header claims ${length} bytes, expected at ` +
        `most ${Math.min(MAX_HEADER_BYTES, bytes.length - 8)}`,
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(
        bytes.subarray(8, 8 + length),
      ),
    );
  } catch (cause) {
    throw new TypeError(
      `Cannot read ${name}: the header is not valid JSON`,
      { cause },
    );
  }
  if (!isRecord(header)) {
    throw new TypeError(
      `Cannot read ${name}: the header is not a JSON object`,
    );
  }
  return { header, dataStart: 8 + length };
}

function readMetadata(
  value: unknown,
  into: Record<string, string>,
  name: string,
): void {
  if (!isRecord(value)) {
    throw new TypeError(`Cannot read ${name}: __metadata__ is not an object`);
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw new TypeError(
        `Cannot read ${name}: metadata "${key}" is ${JSON.stringify(text)}, ` +
          `expected a string`,
      );
    }
    into[key] = text;
  }
}

function readEntry(
  value: unknown,
  key: string,
  name: string,
): {
  dtype: SafetensorsDType;
  shape: number[];
  begin: number;
  end: number;
} {
  const what = `Cannot read ${name}: tensor "${key}"`;
  if (!isRecord(value)) throw new TypeError(`${what} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) {
    throw new TypeError(
      `${what} has dtype ${JSON.stringify(dtype)}, expected one of ` +
        Object.keys(ARRAYS).join(", "),
    );
  }
  if (!isCounts(shape)) {
    throw new TypeError(
      `${what} has shape ${JSON.stringify(shape)}, expected an array of ` +
        `non-negative integers`,
    );
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw new TypeError(
      `${what} has data_offsets ${JSON.stringify(offsets)}, expected ` +
        `[begin, end] with begin <= end`,
    );
  }
  const known = dtype as SafetensorsDType;
  const expected = shape.reduce((n, d) => n * d, 1) *
    ARRAYS[known].BYTES_PER_ELEMENT;
  if (offsets[1] - offsets[0] !== expected) {
    throw new RangeError(
      `${what} spans ${offsets[1] - offsets[0]} bytes, but ${dtype} ` +
        `[${shape.join(", ")}] takes ${expected}`,
    );
  }
  return { dtype: known, shape, begin: offsets[0], end: offsets[1] };
}

function checkCoverage(
  spans: readonly { key: string; begin: number; end: number }[],
  length: number,
  name: string,
): void {
  let at = 0;
  for (const { key, begin, end } of spans) {
    if (begin !== at) {
      throw new RangeError(
        `Cannot read ${name}: tensor "${key}" begins at byte ${begin}, ` +
          `expected ${at}: tensors ${begin < at ? "overlap" : "leave a gap"}`,
      );
    }
    at = end;
  }
  if (at !== length) {
    throw new RangeError(
      `Cannot read ${name}: ${length - at} bytes follow the last tensor`,
    );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
