/**
 * The queue of programs in the memory that the threads share, as the main thread sees it.
 *
 * @module
 */

import { HEADER, PHASE_WORDS, QUEUE_LENGTH, WORDS } from "./wasm_driver.ts";
import type { Heap, Range } from "./wasm_memory.ts";
import type { Staging } from "./wasm_staging.ts";

/** A program as words, and what must be there before it runs. */
export interface Work {
  /** Header, phases and lists of buffers. */
  readonly words: Uint32Array;
  /** Number of modules that must have been sent. */
  readonly modules: number;
  /** Whether it cannot run after all; nothing runs in its place then. */
  readonly isBroken: boolean;
}

/** A program in its turn, with what it writes to besides its buffers. */
interface Entry {
  readonly work: Work;
  /** Addresses of the memory that all tasks share and of the threads' own, and bytes of that for each thread. */
  readonly own: { readonly shared: number; readonly scratch: number; readonly stride: number } | undefined;
}

/** Somebody who waits for a program. */
interface Waiter {
  readonly program: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What runs in the place of a program that cannot. */
const NOTHING = new Uint32Array(8);

/** Queues programs, in order, and tells when they have run. Programs are known by their numbers, from 1. */
export class Queue {
  readonly #memory: WebAssembly.Memory;
  readonly #heap: Heap;
  readonly #staging: Staging;
  readonly #threads: number;
  readonly #fail: (error: Error) => void;
  /** The words that the driver knows; memory that grows does not end this view. */
  readonly #words: Int32Array<SharedArrayBuffer>;
  /** Submitted, and waiting for their modules or for room. */
  readonly #waiting: Entry[] = [];
  #waiters: Waiter[] = [];
  #own: Range | undefined;
  #scratchBytes = 0;
  #sharedBytes = 0;
  #submitted = 0;
  #pushed = 0;
  #completed = 0;
  #modules = 0;
  #failure: Error | undefined;
  #isWatching = false;

  /**
   * @param memory The memory.
   * @param heap Its ranges.
   * @param staging Where programs are put.
   * @param threads Number of threads.
   * @param fail Told where nothing can run any more.
   */
  constructor(
    memory: WebAssembly.Memory,
    heap: Heap,
    staging: Staging,
    threads: number,
    fail: (error: Error) => void,
  ) {
    this.#memory = memory;
    this.#heap = heap;
    this.#staging = staging;
    this.#threads = threads;
    this.#fail = fail;
    this.#words = new Int32Array(memory.buffer as unknown as SharedArrayBuffer);
  }

  /** The number of the last program submitted. */
  get submitted(): number {
    return this.#submitted;
  }

  /** The number of the last program that has run. */
  get completed(): number {
    const now = Atomics.load(this.#words, WORDS.completed / 4);
    this.#completed += (now - this.#completed) >>> 0;
    return this.#completed;
  }

  /** Takes memory for a kernel's run: for each thread, and for all of them. */
  reserve(scratchBytes: number, sharedBytes: number): void {
    if (scratchBytes <= this.#scratchBytes && sharedBytes <= this.#sharedBytes) return;
    // What lies between two threads keeps them off each other's cache lines
    const scratch = Math.max(this.#scratchBytes, Math.ceil(scratchBytes / 128) * 128 + 128);
    const shared = Math.max(this.#sharedBytes, Math.ceil(sharedBytes / 128) * 128);
    const own = this.#heap.take(shared + scratch * this.#threads);
    if (own === undefined) {
      throw new RangeError(
        `Cannot take ${shared} bytes and ${scratch} bytes for each of ${this.#threads} threads: ` +
          `the largest free piece of memory has ${this.#heap.largest} bytes`,
      );
    }
    if (this.#own) this.#heap.give(this.#own);
    this.#own = own;
    this.#scratchBytes = scratch;
    this.#sharedBytes = shared;
  }

  /** Queues a program and returns its number. */
  submit(work: Work): number {
    this.#submitted++;
    this.#waiting.push({ work, own: this.#takeOwn(this.#submitted) });
    this.#push();
    if (this.#waiting.length > 0) this.#watch();
    return this.#submitted;
  }

  /** Waits until a program has run. */
  until(program: number): Promise<void> {
    if (program <= this.completed) return Promise.resolve();
    if (this.#failure) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ program, resolve, reject });
    this.#watch();
    return promise;
  }

  /** Tells the threads that another module was sent to them. */
  addModule(): void {
    Atomics.store(this.#words, WORDS.posted / 4, ++this.#modules);
    this.#wake(Infinity);
    this.#push();
  }

  /** Number of the kernel that a thread failed in. */
  get kernel(): number {
    const phase = Atomics.load(this.#words, WORDS.phase / 4) >>> 0;
    return new Uint32Array(this.#memory.buffer, phase, PHASE_WORDS)[3];
  }

  /** Stops everything. Whoever waits is told the reason. */
  stop(reason: Error): void {
    if (this.#failure) return;
    this.#failure = reason;
    Atomics.store(this.#words, WORDS.stop / 4, 1);
    this.#wake(Infinity);
    Atomics.notify(this.#words, WORDS.completed / 4);
    this.#waiting.length = 0;
    for (const { reject } of this.#waiters) reject(reason);
    this.#waiters = [];
  }

  /** Hands as many programs to the threads as can run and find room. */
  #push(): void {
    while (this.#waiting.length > 0 && this.#pushed - this.completed < QUEUE_LENGTH) {
      const [{ work, own }] = this.#waiting;
      if (work.modules > this.#modules) return;
      const source = work.isBroken ? NOTHING : work.words;
      const address = this.#staging.take(source.byteLength, this.#pushed + 1, this.#completed);
      if (address === undefined) {
        // What runs gives memory back; if nothing does, there is none
        if (this.#pushed > this.#completed) return;
        return this.#fail(
          new RangeError(`Cannot queue a program: there are no ${source.byteLength} bytes left for it`),
        );
      }
      this.#waiting.shift();
      this.#place(source, address, work.modules, own);
    }
  }

  /**
   * What a program may write to besides its buffers. One runs after the other, so all use the same; but each has it from
   * when it was submitted: what is reserved later may lie where this one has its buffers, which were freed meanwhile.
   */
  #takeOwn(program: number): Entry["own"] {
    const own = this.#own;
    if (own === undefined) return undefined;
    own.used = program;
    return { shared: own.address, scratch: own.address + this.#sharedBytes, stride: this.#scratchBytes };
  }

  #place(source: Uint32Array, address: number, modules: number, own: Entry["own"]): void {
    const words = new Uint32Array(this.#memory.buffer, address, source.length);
    words.set(source);
    if (own) {
      words[HEADER.shared] = own.shared;
      words[HEADER.scratch] = own.scratch;
      words[HEADER.stride] = own.stride;
    }
    words[HEADER.modules] = modules;
    this.#words[WORDS.queue / 4 + this.#pushed++ % QUEUE_LENGTH] = address;
    if (Atomics.add(this.#words, WORDS.pending / 4, 1) > 0) return;
    Atomics.store(this.#words, WORDS.lead / 4, 1);
    this.#wake(1);
  }

  #wake(count: number): void {
    Atomics.add(this.#words, WORDS.epoch / 4, 1);
    if (Atomics.load(this.#words, WORDS.sleepers / 4) > 0) Atomics.notify(this.#words, WORDS.epoch / 4, count);
  }

  /** Looks after whoever waits, whenever a program has run. */
  async #watch(): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    while (!this.#failure) {
      const completed = this.completed;
      this.#push();
      this.#waiters = this.#waiters.filter(({ program, resolve }) => {
        if (program <= completed) resolve();
        return program > completed;
      });
      if (this.#waiters.length + this.#waiting.length === 0) break;
      await Atomics.waitAsync(this.#words, WORDS.completed / 4, completed | 0).value;
    }
    this.#isWatching = false;
  }
}
