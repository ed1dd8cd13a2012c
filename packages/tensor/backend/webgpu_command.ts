/**
 * Checking commands against what the device allows, before anything is recorded.
 *
 * @module
 */

import type { BackendBuffer, BackendLimits, Binding, CopyCommand, DispatchCommand } from "./backend.ts";
import { type BoundRange, WebGpuPipeline } from "./webgpu_kernel.ts";
import { WebGpuBuffer } from "./webgpu_memory.ts";

/** A copy with everything looked up. */
export interface Copy {
  /** Undefined: tells a copy from a dispatch. */
  readonly pipeline?: undefined;
  /** Where to read. */
  readonly source: GPUBuffer;
  /** First byte to read. */
  readonly sourceOffset: number;
  /** Where to write. */
  readonly target: GPUBuffer;
  /** First byte to write. */
  readonly targetOffset: number;
  /** Length of the copy. */
  readonly bytes: number;
}

/** A dispatch's pipeline and the ranges that it binds, checked; buffers that it uses are added to `buffers`. */
export function checkDispatch(
  command: DispatchCommand,
  limits: BackendLimits,
  buffers: Set<WebGpuBuffer>,
): { pipeline: WebGpuPipeline; ranges: BoundRange[] } {
  const { pipeline } = command;
  if (!(pipeline instanceof WebGpuPipeline)) throw foreign("pipeline");
  checkWorkgroups(command, limits);
  return { pipeline, ranges: boundBlocks(command, pipeline, buffers, limits.maxBindingBytes) };
}

/** The handle's own type, or an error if another backend made it. */
export function own(buffer: BackendBuffer): WebGpuBuffer {
  if (buffer instanceof WebGpuBuffer) return buffer;
  throw foreign("buffer");
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

function foreign(what: string): TypeError {
  return new TypeError(`The ${what} belongs to another backend`);
}

function checkWorkgroups(command: DispatchCommand, limits: BackendLimits) {
  const most = limits.maxWorkgroupsPerDimension;
  for (const count of command.workgroups ?? []) {
    if (!Number.isInteger(count) || count < 0 || count > most) {
      throw new RangeError(
        `Kernel "${command.pipeline.label}" cannot run ` +
          `[${command.workgroups}] workgroups: expected whole numbers from 0 ` +
          `to the adapter's limit, ${most}`,
      );
    }
  }
}

function boundBlocks(
  command: DispatchCommand,
  pipeline: WebGpuPipeline,
  buffers: Set<WebGpuBuffer>,
  most: number,
): BoundRange[] {
  const { label, access } = pipeline;
  if (command.buffers.length !== access.length) {
    throw new TypeError(
      `Kernel "${label}" got ${command.buffers.length} buffers: expected ` +
        `${access.length}`,
    );
  }
  const bound = command.buffers.map((binding, i) => {
    if (binding.access !== access[i]) {
      throw new TypeError(
        `Buffer ${i} of kernel "${label}" is bound as "${binding.access}": ` +
          `the kernel was compiled with "${access[i]}"`,
      );
    }
    return boundRange(binding, label, most);
  });
  bound.forEach(({ buffer, offset, bytes }, i) => {
    buffers.add(buffer);
    if (access[i] !== "read_write") return;
    const other = bound.findIndex((b, j) =>
      j !== i && b.buffer === buffer &&
      (access[j] === "read" || b.offset < offset + bytes && offset < b.offset + b.bytes)
    );
    if (other < 0) return;
    throw new TypeError(
      `Kernel "${label}" writes to its buffer ${i}, which is also bound as ` +
        `its buffer ${other}`,
    );
  });
  return bound.map(({ buffer, offset, bytes }, i) => ({
    block: buffer.block,
    // A whole buffer is bound to the end of its block where that can be bound
    ...((command.buffers[i].bytes !== undefined || buffer.block.bytes > most) && { offset, bytes }),
  }));
}

/** What a binding shows, checked. */
function boundRange(
  { buffer, offset = 0, bytes }: Binding,
  label: string,
  most: number,
): { buffer: WebGpuBuffer; offset: number; bytes: number } {
  const handle = own(buffer);
  const length = bytes ?? handle.bytes - offset;
  if (offset % 256 !== 0 || offset < 0 || length < 0 || offset + length > handle.bytes) {
    throw new RangeError(
      `Kernel "${label}" binds ${length} bytes from byte ${offset} of a buffer of ${handle.bytes} bytes: expected a ` +
        "range inside it that starts at a multiple of 256",
    );
  }
  if (length > most) {
    throw new RangeError(
      `Kernel "${label}" binds ${length} bytes at once: the adapter's limit for one binding is ${most} bytes`,
    );
  }
  return { buffer: handle, offset, bytes: length };
}

/** A copy, checked; its buffers are added to `buffers`. */
export function checkCopy(command: CopyCommand, buffers: Set<WebGpuBuffer>): Copy {
  const { sourceOffset, targetOffset } = command;
  const source = own(command.source);
  const target = own(command.target);
  if (source === target) {
    throw new TypeError(
      `Cannot copy ${command.bytes} bytes inside one buffer: expected two`,
    );
  }
  // The source is read up to its next word, which its block always has.
  wholeWords("A copy", sourceOffset, 0, source.bytes);
  if (sourceOffset + command.bytes > source.bytes) {
    throw new RangeError(
      `A copy of ${command.bytes} bytes from byte ${sourceOffset} does not ` +
        `lie inside the buffer of ${source.bytes} bytes`,
    );
  }
  const bytes = wholeWords(
    "A copy",
    targetOffset,
    command.bytes,
    target.bytes,
  );
  buffers.add(source).add(target);
  return {
    source: source.block.gpu,
    sourceOffset,
    target: target.block.gpu,
    targetOffset,
    bytes,
  };
}
