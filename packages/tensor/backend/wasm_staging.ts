/**
 * Memory that is written at once and read by the queue: programs, and uploads that wait for their turn.
 *
 * @module
 */

import type { Heap, Range } from "./wasm_memory.ts";

/** Bytes of a chunk. */
const CHUNK = 2 ** 20;

/** Hands out memory that nobody uses any more, in chunks that are filled from front to back and used again. */
export class Staging {
  readonly #heap: Heap;
  #chunks: Range[] = [];
  /** Bytes taken of the first chunk. */
  #top = 0;

  /** @param heap Where the chunks come from. */
  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /**
   * Takes bytes that may be written at once.
   *
   * @param bytes How many.
   * @param use The program that is the last to read them, by its number.
   * @param completed The number of the last program that has run.
   * @returns The address, a multiple of 64, or undefined where there is no memory left.
   */
  take(bytes: number, use: number, completed: number): number | undefined {
    const size = Math.ceil(bytes / 64) * 64;
    if (this.#chunks.length === 0 || this.#top + size > this.#chunks[0].bytes) {
      if (!this.#next(size, completed)) return undefined;
    }
    const [chunk] = this.#chunks;
    chunk.used = Math.max(chunk.used, use);
    this.#top += size;
    return chunk.address + this.#top - size;
  }

  /** Puts a chunk in front that is free and large enough. */
  #next(size: number, completed: number): boolean {
    const idle = this.#chunks.filter((chunk) => chunk.used <= completed);
    let next = idle.find((chunk) => chunk.bytes >= size);
    // Chunks for one large upload are not kept
    const dropped = new Set(idle.filter((chunk) => chunk !== next && chunk.bytes > CHUNK));
    for (const chunk of dropped) this.#heap.give(chunk);
    next ??= this.#heap.take(Math.max(size, CHUNK), completed);
    this.#chunks = this.#chunks.filter((chunk) => chunk !== next && !dropped.has(chunk));
    if (next === undefined) {
      this.#top = Infinity;
      return false;
    }
    this.#chunks.unshift(next);
    this.#top = 0;
    return true;
  }
}
