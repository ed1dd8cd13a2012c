/**
 * Bytes into the memory of the WebAssembly backend and out of it, in their turn.
 *
 * @module
 */

import type { Read, WasmBuffer, WasmBuffers } from "./wasm_buffer.ts";
import type { Heap, Range } from "./wasm_memory.ts";
import { ProgramWords } from "./wasm_program.ts";
import type { Queue } from "./wasm_queue.ts";
import type { Staging } from "./wasm_staging.ts";

/** Moves bytes at once where nothing in the queue is in the way, through the queue otherwise. */
export class Transfer {
  readonly #memory: WebAssembly.Memory;
  readonly #heap: Heap;
  readonly #buffers: WasmBuffers;
  readonly #staging: Staging;
  readonly #queue: Queue;

  /**
   * @param memory The memory.
   * @param heap Its ranges.
   * @param buffers Its buffers.
   * @param staging Where uploads wait.
   * @param queue The queue.
   */
  constructor(memory: WebAssembly.Memory, heap: Heap, buffers: WasmBuffers, staging: Staging, queue: Queue) {
    this.#memory = memory;
    this.#heap = heap;
    this.#buffers = buffers;
    this.#staging = staging;
    this.#queue = queue;
  }

  /** Writes data and then zeros, `bytes` in all. */
  write(buffer: WasmBuffer, offset: number, data: Uint8Array, bytes: number): void {
    const { range } = buffer;
    this.keepReads(buffer);
    const { completed, submitted } = this.#queue;
    const target = range.address + offset;
    const isFree = range.used <= completed;
    const address = isFree ? target : this.#staging.take(bytes, submitted + 1, completed);
    if (address === undefined) throw this.#exhausted("upload", bytes);
    const view = new Uint8Array(this.#memory.buffer, address, bytes);
    view.set(data);
    view.fill(0, data.length);
    if (!isFree) range.used = this.#copy(target, address, bytes);
  }

  /** Reads the first bytes of a buffer, as they are after everything that was submitted before. */
  async read(buffer: WasmBuffer, bytes: number): Promise<ArrayBuffer> {
    const { range } = buffer;
    if (range.used <= this.#queue.completed) return this.#bytes(range.address, bytes);
    const read: Read = { address: range.address, bytes, program: range.used, data: undefined };
    buffer.reads.add(read);
    try {
      // Something that changes the buffer meanwhile has the bytes kept elsewhere, by another program
      for (let program = -1; program !== read.program && read.data === undefined;) {
        await this.#queue.until(program = read.program);
      }
      return read.data ?? this.#bytes(read.address, bytes);
    } finally {
      this.#buffers.endRead(buffer, range, read);
    }
  }

  /** What changes a buffer calls this before it does: downloads that wait see what they were promised. */
  keepReads(buffer: WasmBuffer): void {
    for (const read of buffer.reads) {
      if (read.program <= this.#queue.completed) {
        read.data = this.#bytes(read.address, read.bytes);
      } else {
        this.#keepBytes(read);
      }
      buffer.reads.delete(read);
    }
  }

  #keepBytes(read: Read): void {
    const kept = this.#heap.take(read.bytes);
    if (kept === undefined) throw this.#exhausted("download", read.bytes);
    read.program = kept.used = this.#copy(kept.address, read.address, read.bytes);
    read.address = kept.address;
    const finish = () => this.#finishKept(read, kept);
    this.#queue.until(read.program).then(finish, () => {/* Whoever waits is told. */});
  }

  #finishKept(read: Read, kept: Range): void {
    read.data = this.#bytes(kept.address, read.bytes);
    this.#heap.give(kept);
  }

  #copy(target: number, source: number, bytes: number): number {
    const program = new ProgramWords();
    program.copy(target, source, bytes);
    return this.#queue.submit({ words: program.finish(), modules: 0, isBroken: false });
  }

  #bytes(address: number, bytes: number): ArrayBuffer {
    // Of shared memory, slice would give shared memory
    const copy = new Uint8Array(bytes);
    copy.set(new Uint8Array(this.#memory.buffer, address, bytes));
    return copy.buffer;
  }

  #exhausted(what: string, bytes: number): RangeError {
    return new RangeError(
      `The memory of WebAssembly is exhausted: no ${bytes} bytes left for ${what}s that wait; ` +
        `the largest free piece has ${this.#heap.largest} bytes`,
    );
  }
}
