/**
 * The directory of a zip archive, for reading stored entries by offset.
 *
 * Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification" 6.3.10, sections 4.3 to 4.5.
 *
 * @module
 */

import type { ByteSource } from "../byte_source.ts";

/** An entry of an archive. */
export interface ZipEntry {
  /** Its first byte in the archive. */
  readonly begin: number;
  /** Its length. */
  readonly length: number;
  /** Why it cannot be read, where that is so: it is compressed or encrypted. */
  readonly refused?: string;
}

const END = 0x06054b50, END_BYTES = 22, MOST_COMMENT = 0xffff;
const LOCATOR = 0x07064b50, LOCATOR_BYTES = 20;
const END_64 = 0x06064b50, END_64_BYTES = 56;
const CENTRAL = 0x02014b50, CENTRAL_BYTES = 46;
const LOCAL = 0x04034b50, LOCAL_BYTES = 30;
const IS_ENCRYPTED = 1, STORED = 0, EXTRA_64 = 1;
const NONE_16 = 0xffff, NONE_32 = 0xffffffff;

/** Bytes that the directory may have: some hundred thousand entries. */
const MAX_DIRECTORY_BYTES = 32 * 2 ** 20;

/**
 * Reads the directory of a zip archive, with its 64-bit extension, and the place of every entry.
 *
 * @param source the archive
 * @returns the entries by name
 * @throws {RangeError} when the archive is truncated, or an entry lies outside of it
 * @throws {TypeError} when it is no archive
 */
export async function zipDirectory(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const what = `Cannot read ${source.name}`;
  const { count, begin, bytes } = await findDirectory(source, what);
  if (bytes > MAX_DIRECTORY_BYTES || count * CENTRAL_BYTES > bytes || begin + bytes > source.length) {
    throw new RangeError(
      `${what}: its directory claims ${count} entries in bytes ${begin} to ${begin + bytes} of ${source.length}`,
    );
  }
  const directory = viewOf(await source.read(begin, begin + bytes));
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > bytes || directory.getUint32(at, true) !== CENTRAL) {
      throw new RangeError(`${what}: entry ${i} of ${count} is not in its directory`);
    }
    const lengths = [28, 30, 32].map((offset) => directory.getUint16(at + offset, true));
    const next = at + CENTRAL_BYTES + lengths[0] + lengths[1] + lengths[2];
    if (next > bytes) throw new RangeError(`${what}: entry ${i} of ${count} ends outside of its directory`);
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + CENTRAL_BYTES, lengths[0]));
    const entry = `${what}: entry "${name.slice(0, 200)}"`;
    if (entries.has(name)) throw new TypeError(`${entry} is there twice`);
    entries.set(name, await locate(source, directory, at, entry));
    at = next;
  }
  return entries;
}

/** The end record is the last thing in the archive but for a comment. */
async function findDirectory(
  source: ByteSource,
  what: string,
): Promise<{ count: number; begin: number; bytes: number }> {
  const tailBegin = Math.max(0, source.length - END_BYTES - MOST_COMMENT);
  const tail = viewOf(await source.read(tailBegin, source.length));
  let at = tail.byteLength - END_BYTES;
  while (
    at >= 0 && !(tail.getUint32(at, true) === END && at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength)
  ) {
    at--;
  }
  if (at < 0) throw new TypeError(`${what}: it is no zip archive, or truncated: it has no end record`);
  const count = tail.getUint16(at + 10, true);
  const [bytes, begin] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  if (count !== NONE_16 && bytes !== NONE_32 && begin !== NONE_32) return { count, begin, bytes };

  const locatorAt = tailBegin + at - LOCATOR_BYTES;
  if (locatorAt < 0) throw new RangeError(`${what}: it has no 64-bit end record`);
  const locator = viewOf(await source.read(locatorAt, locatorAt + LOCATOR_BYTES));
  const end64 = long(locator, 8, what);
  if (locator.getUint32(0, true) !== LOCATOR || end64 + END_64_BYTES > source.length) {
    throw new RangeError(`${what}: its 64-bit end record is not at byte ${end64}`);
  }
  const record = viewOf(await source.read(end64, end64 + END_64_BYTES));
  if (record.getUint32(0, true) !== END_64) {
    throw new RangeError(`${what}: its 64-bit end record is not at byte ${end64}`);
  }
  return { count: long(record, 32, what), bytes: long(record, 40, what), begin: long(record, 48, what) };
}

/** Where the data of the entry at `at` lies; the directory tells the length, the entry's own header the begin. */
async function locate(source: ByteSource, directory: DataView, at: number, entry: string): Promise<ZipEntry> {
  const flags = directory.getUint16(at + 8, true), method = directory.getUint16(at + 10, true);
  if ((flags & IS_ENCRYPTED) !== 0) return { begin: 0, length: 0, refused: "is encrypted" };
  if (method !== STORED) {
    return { begin: 0, length: 0, refused: `is compressed with method ${method}, expected stored` };
  }
  const [packed, length, begin] = sizes(directory, at, entry);
  if (packed !== length) throw new RangeError(`${entry} takes ${packed} bytes for ${length} that are stored`);
  if (begin + LOCAL_BYTES > source.length) throw new RangeError(`${entry} begins at byte ${begin}, outside`);
  const local = viewOf(await source.read(begin, begin + LOCAL_BYTES));
  if (local.getUint32(0, true) !== LOCAL) throw new RangeError(`${entry} is not at byte ${begin}`);
  const dataBegin = begin + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  if (dataBegin + length > source.length) {
    throw new RangeError(
      `${entry} ends at byte ${dataBegin + length}, but the file has ${source.length}: it is truncated`,
    );
  }
  return { begin: dataBegin, length };
}

/** Packed size, size and offset; what does not fit 32 bits is in the 64-bit field, in the order of the fields. */
function sizes(directory: DataView, at: number, entry: string): [number, number, number] {
  const values = [20, 24, 42].map((offset) => directory.getUint32(at + offset, true)) as [number, number, number];
  const order = [1, 0, 2].filter((i) => values[i] === NONE_32);
  if (order.length === 0) return values;
  let field = at + CENTRAL_BYTES + directory.getUint16(at + 28, true);
  const end = field + directory.getUint16(at + 30, true);
  while (field + 4 <= end) {
    const id = directory.getUint16(field, true), length = directory.getUint16(field + 2, true);
    if (id === EXTRA_64 && length >= 8 * order.length && field + 4 + length <= end) {
      order.forEach((i, n) => values[i] = long(directory, field + 4 + 8 * n, entry));
      return values;
    }
    field += 4 + length;
  }
  throw new RangeError(`${entry} lacks its 64-bit sizes`);
}

function long(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${what}: a size or an offset is ${value}`);
  return Number(value);
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
