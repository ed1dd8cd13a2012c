/**
 * What is checked of commands before they are prepared, whatever runs them.
 *
 * @module
 */

import type { Access, BackendBuffer, Binding, CopyCommand } from "./backend.ts";

/** A buffer or a part of it, as a kernel sees it. */
export interface BoundRange<Buffer extends BackendBuffer> {
  /** The buffer. */
  readonly buffer: Buffer;
  /** First byte. */
  readonly offset: number;
  /** Number of bytes. */
  readonly bytes: number;
}

/** The error for what another backend made. */
export function foreign(what: string): TypeError {
  return new TypeError(`The ${what} belongs to another backend`);
}

/**
 * The length of a transfer in whole words. Only one that ends where its target
 * ends may be rounded up, for it overwrites what follows.
 */
export function wholeWords(
  what: string,
  offset: number,
  bytes: number,
  end: number,
): number {
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(bytes) &&
    offset >= 0 && bytes >= 0 && offset + bytes <= end;
  if (!isRange) {
    throw new RangeError(
      `${what} of ${bytes} bytes at byte ${offset} does not lie inside the ` +
        `buffer of ${end} bytes`,
    );
  }
  if (offset % 4 !== 0 || (bytes % 4 !== 0 && offset + bytes !== end)) {
    throw new RangeError(
      `${what} of ${bytes} bytes at byte ${offset} is not aligned: expected ` +
        `multiples of 4, or to end at the buffer's end, byte ${end}`,
    );
  }
  return Math.ceil(bytes / 4) * 4;
}

/** The length of a download: the buffer's by default. */
export function downloadLength(buffer: BackendBuffer, bytes: number = buffer.bytes): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > buffer.bytes) {
    throw new RangeError(`Cannot download ${bytes} bytes of a buffer of ${buffer.bytes} bytes`);
  }
  return bytes;
}

/** The length of a copy in whole words. */
export function copyLength(command: CopyCommand): number {
  const { source, sourceOffset, target, targetOffset, bytes } = command;
  if (source === target) throw new TypeError(`Cannot copy ${bytes} bytes inside one buffer: expected two`);
  // The source is read up to its next word, which its memory always has.
  wholeWords("A copy", sourceOffset, 0, source.bytes);
  if (sourceOffset + bytes > source.bytes) {
    throw new RangeError(
      `A copy of ${bytes} bytes from byte ${sourceOffset} does not lie inside the buffer of ${source.bytes} bytes`,
    );
  }
  return wholeWords("A copy", targetOffset, bytes, target.bytes);
}

/**
 * What a kernel's bindings show.
 *
 * @param label The kernel.
 * @param access How it was compiled to use its buffers.
 * @param bindings What it is given.
 * @param most Most bytes of one binding.
 * @param own Gives the backend's own handle, or throws.
 */
export function boundRanges<Buffer extends BackendBuffer>(
  label: string,
  access: readonly Access[],
  bindings: readonly Binding[],
  most: number,
  own: (buffer: BackendBuffer) => Buffer,
): BoundRange<Buffer>[] {
  if (bindings.length !== access.length) {
    throw new TypeError(`Kernel "${label}" got ${bindings.length} buffers: expected ${access.length}`);
  }
  const bound = bindings.map((binding, i) => {
    if (binding.access !== access[i]) {
      throw new TypeError(
        `Buffer ${i} of kernel "${label}" is bound as "${binding.access}": ` +
          `the kernel was compiled with "${access[i]}"`,
      );
    }
    return boundRange(label, own(binding.buffer), binding, most);
  });
  bound.forEach(({ buffer, offset, bytes }, i) => {
    if (access[i] !== "read_write") return;
    const other = bound.findIndex((b, j) =>
      j !== i && b.buffer === buffer &&
      (access[j] === "read" || b.offset < offset + bytes && offset < b.offset + b.bytes)
    );
    if (other < 0) return;
    throw new TypeError(`Kernel "${label}" writes to its buffer ${i}, which is also bound as its buffer ${other}`);
  });
  return bound;
}

function boundRange<Buffer extends BackendBuffer>(
  label: string,
  buffer: Buffer,
  { offset = 0, bytes = buffer.bytes - offset }: Binding,
  most: number,
): BoundRange<Buffer> {
  if (offset % 256 !== 0 || offset < 0 || bytes < 0 || offset + bytes > buffer.bytes) {
    throw new RangeError(
      `Kernel "${label}" binds ${bytes} bytes from byte ${offset} of a buffer of ${buffer.bytes} bytes: expected a ` +
        "range inside it that starts at a multiple of 256",
    );
  }
  if (bytes > most) {
    throw new RangeError(
      `Kernel "${label}" binds ${bytes} bytes at once: the adapter's limit for one binding is ${most} bytes`,
    );
  }
  return { buffer, offset, bytes };
}
