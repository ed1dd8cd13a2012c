/**
 * Writing the safetensors format.
 *
 * Source: huggingface/safetensors, README, "Format".
 *
 * @module
 */

import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "./half.ts";
import { ARRAYS, type SafetensorsDType, type SafetensorsInput } from "./safetensors_entry.ts";

/** How {@linkcode serialiseSafetensors} writes. */
export interface SerialiseOptions {
  /** Store every `F32`, `F16` and `BF16` tensor in this type. */
  readonly dtype?: "F32" | "F16" | "BF16";
}

/**
 * Writes tensors in the safetensors format. The same tensors and metadata give
 * the same bytes: tensors are ordered by falling element size, then by name,
 * so that each is aligned to its type.
 *
 * @param tensors the tensors by name
 * @param metadata strings to be stored beside them
 * @param options see {@linkcode SerialiseOptions}
 * @returns the bytes of the file
 * @throws {RangeError} when a tensor has another number of elements than its
 * shape
 * @throws {TypeError} when a tensor's array is not the one of its dtype
 */
export function serialiseSafetensors(
  tensors:
    | ReadonlyMap<string, SafetensorsInput>
    | Readonly<Record<string, SafetensorsInput>>,
  metadata: Readonly<Record<string, string>> = {},
  options: SerialiseOptions = {},
): Uint8Array<ArrayBuffer> {
  const list = tensors instanceof Map
    ? [...tensors]
    : Object.entries(tensors as Readonly<Record<string, SafetensorsInput>>);
  const entries = list.map(([key, input]) => encode(key, input, options)).sort(byAlignment);
  const header = serialiseHeader(entries.map((entry) => ({ ...entry, length: entry.bytes.length })), metadata);
  const out = new Uint8Array(entries.reduce((n, { bytes }) => n + bytes.length, header.length));
  out.set(header);
  let at = header.length;
  for (const { bytes } of entries) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

/** What the header says of a tensor. */
export interface DescribedTensor {
  /** Its name. */
  readonly key: string;
  /** Its element type. */
  readonly dtype: SafetensorsDType;
  /** The extent of each axis. */
  readonly shape: readonly number[];
  /** Its bytes. */
  readonly length: number;
}

/** The order in which each tensor is aligned to its type: by falling element size, then by name. */
export function byAlignment(
  a: Pick<DescribedTensor, "key" | "dtype">,
  b: Pick<DescribedTensor, "key" | "dtype">,
): number {
  return ARRAYS[b.dtype].BYTES_PER_ELEMENT - ARRAYS[a.dtype].BYTES_PER_ELEMENT || (a.key < b.key ? -1 : 1);
}

/**
 * The beginning of a file: length and header, padded so that the tensors begin at a multiple of eight.
 *
 * @param entries the tensors in the order of the file
 * @param metadata strings to be stored beside them
 * @returns the bytes that go before the tensors'
 */
export function serialiseHeader(
  entries: readonly DescribedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.create(null);
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    header.__metadata__ = Object.fromEntries(
      keys.map((key) => [key, checkText(key, metadata[key])]),
    );
  }
  let at = 0;
  for (const { key, dtype, shape, length } of entries) {
    header[key] = { dtype, shape, data_offsets: [at, at + length] };
    at += length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + length).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(text, 8);
  return out;
}

function encode(
  key: string,
  input: SafetensorsInput,
  options: SerialiseOptions,
): {
  key: string;
  dtype: SafetensorsDType;
  shape: readonly number[];
  bytes: Uint8Array;
} {
  if (key === "__metadata__") {
    throw new TypeError(`Cannot name a tensor "${key}": the name is reserved`);
  }
  const isFloat = input.dtype === "F32" || input.dtype === "F16" ||
    input.dtype === "BF16";
  const dtype = isFloat ? options.dtype ?? input.dtype : input.dtype;
  let data = input.data;
  if (data instanceof Uint16Array && dtype !== input.dtype) {
    data = input.dtype === "BF16" ? bf16ToF32(data) : f16ToF32(data);
  }
  if (data instanceof Float32Array && dtype === "BF16") data = f32ToBf16(data);
  if (data instanceof Float32Array && dtype === "F16") data = f32ToF16(data);
  if (!(data instanceof ARRAYS[dtype])) {
    throw new TypeError(
      `Cannot write tensor "${key}" as ${dtype} from a ` +
        `${data.constructor.name}, expected a ${ARRAYS[dtype].name}`,
    );
  }
  const size = input.shape.reduce((n, d) => n * d, 1);
  if (data.length !== size) {
    throw new RangeError(
      `Cannot write tensor "${key}": it has ${data.length} elements, but its ` +
        `shape [${input.shape.join(", ")}] takes ${size}`,
    );
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { key, dtype, shape: input.shape, bytes };
}

function checkText(key: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(
    `Cannot write metadata "${key}": ${JSON.stringify(value)} is not a string`,
  );
}
