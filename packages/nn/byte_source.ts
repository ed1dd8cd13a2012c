/**
 * Bytes that are read where they are needed: of a file, by offset, or of an array.
 *
 * @module
 */

/** Something with a length that gives any part of itself. */
export interface ByteSource extends Disposable {
  /** What error messages call it. */
  readonly name: string;
  /** Its length in bytes. */
  readonly length: number;
  /**
   * Reads a part.
   *
   * @param begin the first byte
   * @param end the byte after the last
   * @returns the bytes, which the caller may keep
   * @throws {RangeError} when the part does not lie inside, or the file has become shorter
   */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Opens a file to be read by offset; only what is asked for is read.
 *
 * @param path the file
 * @returns its bytes; to be disposed of
 * @throws {TypeError} when there is no such file, or it is a directory
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openBytes } from "@dipp/nn";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeFile(path, new Uint8Array([1, 2, 3, 4]));
 * using file = await openBytes(path);
 * assertEquals([...await file.read(1, 3)], [2, 3]);
 * ```
 */
export async function openBytes(path: string): Promise<ByteSource> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory)) throw cause;
    throw new TypeError(`Cannot read ${path}: there is no such file`, { cause });
  }
  if (!info.isFile) throw new TypeError(`Cannot read ${path}: it is a directory or a device, expected a file`);
  return new FileBytes(path, info.size, await Deno.open(path));
}

/**
 * Bytes in memory as a source.
 *
 * @param bytes the bytes; parts are copies
 * @param name what error messages call them
 * @returns the source
 */
export function memoryBytes(bytes: Uint8Array<ArrayBuffer>, name = "bytes"): ByteSource {
  return {
    name,
    length: bytes.length,
    read(begin, end) {
      checkPart(name, begin, end, bytes.length);
      return Promise.resolve(bytes.slice(begin, end));
    },
    [Symbol.dispose]() {},
  };
}

class FileBytes implements ByteSource {
  readonly #file: Deno.FsFile;
  /** Reads share one file position, so each waits for the one before. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(readonly name: string, readonly length: number, file: Deno.FsFile) {
    this.#file = file;
  }

  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    checkPart(this.name, begin, end, this.length);
    const part = this.#queue.then(() => this.#readNow(begin, end));
    this.#queue = part.catch(() => {});
    return await part;
  }

  async #readNow(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(end - begin);
    await this.#file.seek(begin, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) {
      const count = await this.#file.read(bytes.subarray(at));
      if (count === null) {
        throw new RangeError(`Cannot read ${this.name}: it ended at byte ${begin + at} of ${this.length} while read`);
      }
      at += count;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function checkPart(name: string, begin: number, end: number, length: number): void {
  if (Number.isSafeInteger(begin) && Number.isSafeInteger(end) && 0 <= begin && begin <= end && end <= length) return;
  throw new RangeError(`Cannot read bytes ${begin} to ${end} of ${name}: it has ${length}`);
}
