/**
 * The header of a safetensors file: what it claims, checked against the file before anything else is read.
 *
 * Source: huggingface/safetensors, README, "Format".
 *
 * @module
 */

import { ARRAYS, type SafetensorsDType } from "./safetensors_entry.ts";

/** Bytes that a header may have, the limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/** Axes that a tensor may have, the limit of PyTorch. */
const MAX_AXES = 64;

/** Where a tensor lies. */
export interface HeaderEntry {
  /** Its name. */
  readonly key: string;
  /** Its element type. */
  readonly dtype: SafetensorsDType;
  /** The extent of each axis. */
  readonly shape: readonly number[];
  /** Its first byte, counted from the first byte after the header. */
  readonly begin: number;
  /** The byte after its last. */
  readonly end: number;
}

/** A header that was checked. */
export interface SafetensorsHeader {
  /** The tensors in the order of the file. */
  readonly entries: readonly HeaderEntry[];
  /** The `__metadata__` strings; empty when there are none. */
  readonly metadata: Record<string, string>;
}

/**
 * Reads how long the header is.
 *
 * @param start the first bytes of the file, eight or all of them
 * @param fileBytes the length of the file
 * @param name what error messages call it
 * @returns bytes of the header after the first eight
 * @throws {RangeError} when the file is too short for what it claims
 */
export function headerLength(start: Uint8Array, fileBytes: number, name: string): number {
  if (fileBytes < 8) {
    throw new RangeError(
      `Cannot read ${name}: ${fileBytes} bytes are too few for a header`,
    );
  }
  const view = new DataView(start.buffer, start.byteOffset, 8);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length > fileBytes - 8) {
    throw new RangeError(
      `Cannot read ${name}: the header claims ${length} bytes, expected at ` +
        `most ${Math.min(MAX_HEADER_BYTES, fileBytes - 8)}`,
    );
  }
  return length;
}

/**
 * Parses a header and checks everything that it claims.
 *
 * @param text the bytes of the header, after the first eight
 * @param dataBytes the length of what follows it
 * @param name what error messages call the file
 * @returns the tensors in the order of the file, and the metadata
 * @throws {RangeError} when an offset or a size is wrong: tensors must follow each other without gaps or overlaps
 * @throws {TypeError} when the header is not what the format says
 */
export function parseHeader(text: Uint8Array, dataBytes: number, name: string): SafetensorsHeader {
  const metadata: Record<string, string> = {};
  const entries: HeaderEntry[] = [];
  for (const [key, value] of Object.entries(parseJson(text, name))) {
    if (key === "__metadata__") {
      readMetadata(value, metadata, name);
      continue;
    }
    const entry = readEntry(value, key, name);
    if (entry.end > dataBytes) {
      throw new RangeError(
        `Cannot read ${name}: tensor ${quote(key)} ends at byte ${entry.end}, but the ` +
          `file holds ${dataBytes} bytes of data: the file is truncated`,
      );
    }
    entries.push(entry);
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, dataBytes, name);
  return { entries, metadata };
}

function parseJson(text: Uint8Array, name: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
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
  return header;
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
        `Cannot read ${name}: metadata ${quote(key)} is ${quote(text)}, ` +
          `expected a string`,
      );
    }
    into[key] = text;
  }
}

function readEntry(value: unknown, key: string, name: string): HeaderEntry {
  const what = `Cannot read ${name}: tensor ${quote(key)}`;
  if (!isRecord(value)) throw new TypeError(`${what} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) {
    throw new TypeError(
      `${what} has dtype ${quote(dtype)}, expected one of ` +
        Object.keys(ARRAYS).join(", "),
    );
  }
  if (!isCounts(shape) || shape.length > MAX_AXES) {
    throw new TypeError(
      `${what} has shape ${quote(shape)}, expected an array of at most ${MAX_AXES} ` +
        `non-negative integers`,
    );
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw new TypeError(
      `${what} has data_offsets ${quote(offsets)}, expected ` +
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
  return { key, dtype: known, shape, begin: offsets[0], end: offsets[1] };
}

function checkCoverage(
  spans: readonly HeaderEntry[],
  length: number,
  name: string,
): void {
  let at = 0;
  for (const { key, begin, end } of spans) {
    if (begin !== at) {
      throw new RangeError(
        `Cannot read ${name}: tensor ${quote(key)} begins at byte ${begin}, ` +
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

/** A value as it would be in JSON, cut where it is long: a broken file may hold anything. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
