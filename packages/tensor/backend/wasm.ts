/**
 * The backend on WebAssembly: threads that share one memory.
 *
 * @module
 */

import { buildModule, f32, f32x4, WasmFunction, type WasmTarget } from "@dipp/kernels/wasm";
import type {
  Access,
  Backend,
  BackendBuffer,
  BackendKernel,
  BackendLimits,
  BackendPipeline,
  BackendStats,
  Command,
  Program,
} from "./backend.ts";
import { downloadLength, foreign, wholeWords } from "./command_checks.ts";
import { LARGEST_BUFFER, WasmBuffers } from "./wasm_buffer.ts";
import { driverModule, FIRST_FREE } from "./wasm_driver.ts";
import { WasmKernels } from "./wasm_kernel.ts";
import { commandSeconds } from "./wasm_measure.ts";
import { Heap, MAXIMUM_PAGES } from "./wasm_memory.ts";
import { own, WasmProgram } from "./wasm_program.ts";
import { Queue } from "./wasm_queue.ts";
import { Staging } from "./wasm_staging.ts";
import { Threads } from "./wasm_threads.ts";
import { Transfer } from "./wasm_transfer.ts";

/** Pages that the memory begins with. */
const FIRST_PAGES = 256;

/** Most threads. */
const MOST_THREADS = 256;

/** Options of {@linkcode createWasmBackend}. */
export interface WasmOptions {
  /**
   * Number of threads that compute, 1 to 256. Results do not depend on it.
   *
   * @default {navigator.hardwareConcurrency}
   */
  threads?: number;
}

/**
 * Starts threads that run kernels in WebAssembly. It needs no permission.
 *
 * @param options How many threads.
 * @returns The backend. Its `destroy` ends the threads; a process that ends ends them too.
 * @throws {RangeError} If the number of threads is out of range.
 * @throws {TypeError} If there is no shared memory here, as in a page that is not isolated.
 *
 * @example Usage
 * ```ts
 * import { createWasmBackend } from "./wasm.ts";
 * import { f32, i32, WasmFunction } from "@dipp/kernels/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * // Each task doubles one element
 * const entry = new WasmFunction("double");
 * const [task, buffers] = [0, 1, 2, 3].map(() => entry.parameter("i32"));
 * const at = entry.local("i32");
 * entry.body = [
 *   at.set(i32.add(i32.load(buffers.get), i32.shl(task.get, i32.const(2)))),
 *   f32.store(at.get, f32.mul(f32.load(at.get), f32.const(2))),
 * ];
 * const kernel = { key: "double", phases: [{ entry, tasks: 2 }], scratchBytes: 0, sharedBytes: 0 };
 *
 * const backend = await createWasmBackend({ threads: 2 });
 * const buffer = backend.allocate(8);
 * backend.upload(buffer, new Float32Array([1, 2]));
 * const pipeline = backend.compile(kernel, "double", ["read_write"]);
 * const program = backend.prepare([{ kind: "dispatch", pipeline, buffers: [{ buffer, access: "read_write" }] }]);
 * backend.submit(program);
 * assertEquals(new Float32Array(await backend.download(buffer)), new Float32Array([2, 4]));
 * backend.destroy();
 * ```
 */
export async function createWasmBackend(options: WasmOptions = {}): Promise<Backend> {
  const { threads = Math.min(navigator.hardwareConcurrency, MOST_THREADS) } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new RangeError(`Cannot start ${threads} threads: expected a whole number from 1 to ${MOST_THREADS}`);
  }
  if (typeof SharedArrayBuffer === "undefined") {
    throw new TypeError("Cannot start threads: there is no SharedArrayBuffer, which a page has that is isolated");
  }
  const driver = await WebAssembly.compile(driverModule(MAXIMUM_PAGES));
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: MAXIMUM_PAGES, shared: true });
  return new WasmBackend(threads, driver, memory);
}

class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly description: string;
  readonly adapterClass = "cpu";
  readonly language = "wasm";
  readonly wasm: WasmTarget;
  readonly limits: BackendLimits;
  readonly features: ReadonlySet<string> = new Set();
  readonly subgroupSize = undefined;
  readonly #buffers: WasmBuffers;
  readonly #kernels: WasmKernels;
  readonly #queue: Queue;
  readonly #threads: Threads;
  readonly #transfer: Transfer;
  #kept: Error | undefined;
  #lost: Error | undefined;
  #submits = 0;
  #dispatches = 0;
  #destroyed = false;

  constructor(threads: number, driver: WebAssembly.Module, memory: WebAssembly.Memory) {
    this.wasm = { relaxed: hasRelaxedSimd(), threads };
    this.description = `WebAssembly with ${this.wasm.relaxed ? "relaxed " : ""}SIMD, ` +
      `${threads} ${threads === 1 ? "thread" : "threads"}`;
    this.limits = {
      maxBuffersPerKernel: 1024,
      maxBufferBytes: LARGEST_BUFFER,
      maxBindingBytes: LARGEST_BUFFER,
      maxWorkgroupsPerDimension: 2 ** 31 - 1,
      maxWorkgroupSize: 1024,
      maxWorkgroupMemoryBytes: 2 ** 15,
    };
    const heap = new Heap(memory, FIRST_FREE, MAXIMUM_PAGES * 2 ** 16);
    const staging = new Staging(heap);
    this.#buffers = new WasmBuffers(heap);
    const queue = this.#queue = new Queue(memory, heap, staging, threads, (error) => this.#lose(error.message));
    this.#transfer = new Transfer(memory, heap, this.#buffers, staging, queue);
    const workers = this.#threads = new Threads(threads, driver, memory, (reason, isKernel) => {
      const label = isKernel ? this.#kernels.label(queue.kernel) : undefined;
      this.#lose(label === undefined ? reason : `kernel "${label}" failed: ${reason}`);
    });
    this.#kernels = new WasmKernels({
      reserve: (scratchBytes, sharedBytes) => queue.reserve(scratchBytes, sharedBytes),
      send: (message) => {
        workers.send(message);
        queue.addModule();
      },
      keep: (error) => this.#kept ??= error,
      lose: (error) => this.#lose(error.message),
    });
  }

  get lost(): Error | undefined {
    return this.#lost;
  }

  allocate(bytes: number, owner?: { toString(): string }): BackendBuffer {
    this.#checkOpen();
    return this.#buffers.allocate(bytes, owner);
  }

  settle(): Promise<void> {
    return Promise.resolve().then(() => this.#throwKept());
  }

  free(buffer: BackendBuffer): void {
    // After destroy, handles that are dropped late have nothing left to free.
    if (this.#destroyed) return;
    this.#buffers.free(own(buffer));
  }

  upload(buffer: BackendBuffer, data: ArrayBufferView, byteOffset = 0): void {
    this.#checkOpen();
    const target = own(buffer);
    const words = wholeWords("An upload", byteOffset, data.byteLength, target.bytes);
    void target.range;
    if (words === 0) return;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#transfer.write(target, byteOffset, bytes, words);
  }

  async download(buffer: BackendBuffer, bytes?: number): Promise<ArrayBuffer> {
    this.#checkOpen();
    const source = own(buffer);
    const length = downloadLength(source, bytes);
    const data = await this.#threads.holdFor(this.#transfer.read(source, length));
    this.#throwKept();
    return data;
  }

  compile(kernel: BackendKernel, label: string, access: readonly Access[]): BackendPipeline {
    this.#checkOpen();
    const most = this.limits.maxBuffersPerKernel;
    if (access.length > most) {
      throw new RangeError(`Kernel "${label}" has ${access.length} buffers: the limit is ${most}`);
    }
    return this.#kernels.compile(kernel, label, access);
  }

  prepare(commands: readonly Command[]): Program {
    this.#checkOpen();
    return new WasmProgram(commands, this.#kernels, this.limits);
  }

  submit(...programs: Program[]): void {
    this.#checkOpen();
    this.#throwKept();
    const all = programs.map((program) => {
      if (!(program instanceof WasmProgram)) throw foreign("program");
      program.check();
      return program;
    }).filter((program) => program.length > 0);
    if (all.length === 0) return;
    for (const program of all) {
      for (const buffer of program.written) this.#transfer.keepReads(buffer);
      const number = this.#queue.submit(program);
      for (const buffer of program.buffers) buffer.range.used = number;
      this.#dispatches += program.dispatches;
    }
    this.#submits++;
  }

  async measure(program: Program): Promise<Float64Array> {
    if (!(program instanceof WasmProgram)) throw foreign("program");
    return await commandSeconds(this, program);
  }

  async synchronize(): Promise<void> {
    this.#checkOpen();
    await this.#threads.holdFor(this.#queue.until(this.#queue.submitted));
    this.#throwKept();
  }

  stats(): BackendStats {
    return {
      ...this.#buffers.stats(),
      pipelines: this.#kernels.size,
      submits: this.#submits,
      dispatches: this.#dispatches,
    };
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#queue.stop(new TypeError("The backend was destroyed"));
    this.#threads.terminate();
    this.#buffers.clear();
  }

  #lose(why: string): void {
    if (this.#lost || this.#destroyed) return;
    this.#lost = new Error(`The device was lost: ${why}; init() opens it anew, without the tensors that lay on it`);
    this.#queue.stop(this.#lost);
    this.#threads.terminate();
  }

  #checkOpen(): void {
    if (this.#destroyed) throw new TypeError("The backend was destroyed");
    if (this.#lost) throw this.#lost;
  }

  /** Throws the kept error: once, but the loss of the device always. */
  #throwKept(): void {
    const error = this.#lost ?? this.#kept;
    this.#kept = undefined;
    if (error !== undefined) throw error;
  }
}

/** Whether modules with relaxed SIMD are valid here. */
function hasRelaxedSimd(): boolean {
  const probe = new WasmFunction("probe", "f32");
  const zero = f32x4.splat(f32.const(0));
  probe.body = f32.extractLane(f32x4.relaxedMadd(zero, zero, zero), 0);
  return WebAssembly.validate(buildModule({ exports: [probe] }));
}
