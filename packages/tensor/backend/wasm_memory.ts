/**
 * One piece of memory, handed out in ranges.
 *
 * @module
 */

/** Ranges begin at multiples of this and are as many bytes. */
const ALIGNMENT = 64;

/** Bytes that may be read beyond every range. */
const SLACK = 64;

const PAGE = 2 ** 16;

/** Pages of a 32-bit memory. */
export const MAXIMUM_PAGES = 2 ** 16;

/** Least bytes to grow by: growing is slow, and memory that nobody has touched costs nothing. */
const GROWTH = 2 ** 24;

/** A range of the memory. */
export interface Range {
  /** First byte. */
  readonly address: number;
  /** Number of bytes. */
  readonly bytes: number;
  /** The last program in the queue that uses it, by its number; 0 for none. */
  used: number;
}

/** Hands out ranges of a memory that grows: the smallest free one that is large enough, and neighbours become one. */
export class Heap {
  readonly #memory: WebAssembly.Memory;
  readonly #limit: number;
  /** Free ranges, the smallest first, those of one size by address. */
  readonly #free: Range[] = [];
  readonly #byStart: Map<number, Range> = new Map();
  readonly #byEnd: Map<number, Range> = new Map();
  #end: number;
  #freeBytes = 0;

  /**
   * @param memory The memory.
   * @param start First byte to hand out.
   * @param limit Bytes that the memory may grow to.
   */
  constructor(memory: WebAssembly.Memory, start: number, limit: number) {
    this.#memory = memory;
    this.#limit = limit;
    this.#end = Math.ceil(start / ALIGNMENT) * ALIGNMENT;
    const end = memory.buffer.byteLength - SLACK;
    if (end > this.#end) this.#extend(end);
  }

  /** Bytes of free ranges. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Bytes of the largest range that could be had. */
  get largest(): number {
    const room = this.#limit - SLACK - this.#end + (this.#byEnd.get(this.#end)?.bytes ?? 0);
    return Math.max(room, this.#free.at(-1)?.bytes ?? 0);
  }

  /**
   * Takes a range.
   *
   * @param bytes Its least length.
   * @param settled Only memory whose last use is not beyond this; any by default.
   * @returns The range, or undefined where there is no memory left.
   */
  take(bytes: number, settled: number = Infinity): Range | undefined {
    const size = Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
    let at = this.#place(size, 0);
    while (at < this.#free.length && this.#free[at].used > settled) at++;
    let range = this.#free[at];
    if (range === undefined) {
      if (!this.#grow(size, settled)) return undefined;
      range = this.#byEnd.get(this.#end)!;
    }
    this.#remove(range);
    if (range.bytes === size) return range;
    this.#insert({ address: range.address + size, bytes: range.bytes - size, used: range.used });
    return { address: range.address, bytes: size, used: range.used };
  }

  /** Takes a range back. */
  give(range: Range): void {
    let { address, bytes, used } = range;
    for (const next of [this.#byEnd.get(address), this.#byStart.get(address + bytes)]) {
      if (next === undefined) continue;
      this.#remove(next);
      address = Math.min(address, next.address);
      bytes += next.bytes;
      used = Math.max(used, next.used);
    }
    this.#insert({ address, bytes, used });
  }

  /** Makes the last free range large enough. */
  #grow(size: number, settled: number): boolean {
    const tail = this.#byEnd.get(this.#end);
    const there = tail !== undefined && tail.used <= settled ? tail.bytes : 0;
    const least = this.#end + size - there + SLACK;
    const now = this.#memory.buffer.byteLength;
    for (const wanted of [Math.max(least, now + Math.max(GROWTH, now / 8)), least]) {
      const bytes = Math.ceil(Math.max(wanted, now) / PAGE) * PAGE;
      if (bytes > this.#limit) continue;
      try {
        this.#memory.grow((bytes - now) / PAGE);
      } catch {
        continue; // The system has less than it promised
      }
      this.#extend(bytes - SLACK, there > 0);
      return true;
    }
    return false;
  }

  /** Takes bytes up to `end` in, as a range of their own or as part of the last free one. */
  #extend(end: number, joins = true): void {
    const fresh = { address: this.#end, bytes: end - this.#end, used: 0 };
    this.#end = end;
    if (joins) this.give(fresh);
    else this.#insert(fresh);
  }

  #insert(range: Range): void {
    this.#free.splice(this.#place(range.bytes, range.address), 0, range);
    this.#byStart.set(range.address, range);
    this.#byEnd.set(range.address + range.bytes, range);
    this.#freeBytes += range.bytes;
  }

  #remove(range: Range): void {
    this.#free.splice(this.#place(range.bytes, range.address), 1);
    this.#byStart.delete(range.address);
    this.#byEnd.delete(range.address + range.bytes);
    this.#freeBytes -= range.bytes;
  }

  /** Where a range stands among the free ones, or would. */
  #place(bytes: number, address: number): number {
    let [low, high] = [0, this.#free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const range = this.#free[middle];
      if (range.bytes < bytes || (range.bytes === bytes && range.address < address)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
