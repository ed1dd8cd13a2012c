/**
 * Buffers of the WebAssembly backend.
 *
 * @module
 */

import type { BackendBuffer } from "./backend.ts";
import type { Heap, Range } from "./wasm_memory.ts";

/**
 * Largest buffer: an offset inside one is positive as a signed number of 32 bits too.
 */
export const LARGEST_BUFFER: number = 2 ** 31 - 2 ** 16;

/** A download that waits. */
export interface Read {
  /** First byte to read. */
  address: number;
  /** Number of bytes. */
  readonly bytes: number;
  /** The program after which they are there. */
  program: number;
  /** They, where something was about to change them. */
  data: ArrayBuffer | undefined;
}

/** A handle of a range, valid from allocate to free. */
export class WasmBuffer implements BackendBuffer {
  /** The length asked for. */
  readonly bytes: number;
  /** Downloads that read the range itself. */
  readonly reads: Set<Read> = new Set();
  readonly #range: Range;
  #live = true;

  /** Made by {@linkcode WasmBuffers.allocate}. */
  constructor(bytes: number, range: Range) {
    this.bytes = bytes;
    this.#range = range;
  }

  /** Whether the handle was not freed. */
  get isUsable(): boolean {
    return this.#live;
  }

  /** The memory behind the handle, which must not have been freed. */
  get range(): Range {
    if (!this.#live) throw new TypeError(`The buffer of ${this.bytes} bytes was freed`);
    return this.#range;
  }

  /** Ends the handle and returns its range. */
  release(): Range {
    const { range } = this;
    this.#live = false;
    return range;
  }
}

/** Allocates buffers in a heap and counts them. */
export class WasmBuffers {
  readonly #heap: Heap;
  #live = 0;
  #liveBytes = 0;
  #peakBytes = 0;

  /** @param heap Where they lie. */
  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Hands out a buffer. */
  allocate(bytes: number, owner?: { toString(): string }): WasmBuffer {
    const whose = owner === undefined ? "" : ` for ${owner}`;
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(`Cannot allocate ${bytes} bytes${whose}: expected a whole number, 0 or more`);
    }
    if (bytes > LARGEST_BUFFER) {
      throw new RangeError(
        `Cannot allocate ${bytes} bytes${whose}: the limit for one buffer is ${LARGEST_BUFFER} bytes`,
      );
    }
    const range = this.#heap.take(bytes);
    if (range === undefined) {
      throw new RangeError(
        `The memory of WebAssembly is exhausted: no ${bytes} bytes left${whose}, beside ${this.#liveBytes} live bytes ` +
          `in ${this.#live} buffers; the largest free piece has ${this.#heap.largest} bytes`,
      );
    }
    this.#live++;
    this.#liveBytes += range.bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return new WasmBuffer(bytes, range);
  }

  /** Takes a buffer back. Its memory is free once the downloads that read it are over. */
  free(buffer: WasmBuffer): void {
    const range = buffer.release();
    this.#live--;
    this.#liveBytes -= range.bytes;
    if (buffer.reads.size === 0) this.#heap.give(range);
  }

  /** Ends a download. */
  endRead(buffer: WasmBuffer, range: Range, read: Read): void {
    if (buffer.reads.delete(read) && buffer.reads.size === 0 && !buffer.isUsable) this.#heap.give(range);
  }

  /** Forgets everything. */
  clear(): void {
    this.#live = this.#liveBytes = 0;
  }

  /** The counters that concern memory. */
  stats(): { liveBuffers: number; liveBytes: number; pooledBytes: number; peakBytes: number } {
    return {
      liveBuffers: this.#live,
      liveBytes: this.#liveBytes,
      pooledBytes: this.#heap.freeBytes,
      peakBytes: this.#peakBytes,
    };
  }
}
