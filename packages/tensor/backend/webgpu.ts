/**
 * The backend on WebGPU.
 *
 * @module
 */

import type {
  Access,
  AdapterClass,
  Backend,
  BackendBuffer,
  BackendKernel,
  BackendLimits,
  BackendPipeline,
  BackendStats,
  Command,
  Program,
} from "./backend.ts";
import { wholeWords } from "./command_checks.ts";
import { backendLimits, grantedFeatures, type OpenDevice, openDevice } from "./webgpu_adapter.ts";
import { own } from "./webgpu_command.ts";
import { ErrorLatch } from "./webgpu_errors.ts";
import { Kernels } from "./webgpu_kernel.ts";
import { repeatedSeconds, timestampedSeconds } from "./webgpu_measure.ts";
import { Memory } from "./webgpu_memory.ts";
import { runnable, WebGpuProgram } from "./webgpu_program.ts";
import { Readback } from "./webgpu_readback.ts";

/** Bytes of freed memory kept for reuse. */
const POOL_BYTES = 512 * 2 ** 20;

/** Bytes of uploads after which their host copies are let go. */
const UPLOAD_BYTES = 64 * 2 ** 20;

/** Options of {@linkcode createWebGpuBackend}. */
export interface WebGpuOptions {
  /**
   * Bytes of freed memory to keep for reuse.
   *
   * @default {536870912}
   */
  poolBytes?: number;
  /**
   * Take the fallback adapter, which computes in software.
   *
   * @default {false}
   */
  fallback?: boolean;
  /**
   * Bind fewer bytes at once than the adapter allows, to see what happens beyond.
   *
   * @default {Infinity}
   */
  maxBindingBytes?: number;
  /**
   * Measure by the device's clock where it has one that can be read.
   *
   * @default {true}
   */
  clock?: boolean;
}

/**
 * Opens the machine's preferred adapter, with all its limits and with the
 * optional features that it grants.
 *
 * @param options How much freed memory to keep.
 * @returns The backend. Its `destroy` gives the device back.
 * @throws {Error} If there is no adapter; the message says how to get one.
 *
 * @example Usage
 * ```ts
 * import { createWebGpuBackend } from "./webgpu.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const backend = await createWebGpuBackend();
 * const buffer = backend.allocate(8);
 * backend.upload(buffer, new Float32Array([1, 2]));
 * const double = backend.compile(
 *   {
 *     code: `@group(0) @binding(0) var<storage, read_write> x: array<f32, 2>;
 *       @compute @workgroup_size(2)
 *       fn main(@builtin(local_invocation_index) i: u32) { x[i] *= 2.0; }`,
 *   },
 *   "double",
 *   ["read_write"],
 * );
 * backend.submit(backend.prepare([{
 *   kind: "dispatch",
 *   pipeline: double,
 *   buffers: [{ buffer, access: "read_write" }],
 *   workgroups: [1, 1, 1],
 * }]));
 * assertEquals(
 *   new Float32Array(await backend.download(buffer)),
 *   new Float32Array([2, 4]),
 * );
 * backend.destroy();
 * ```
 */
export async function createWebGpuBackend(
  options: WebGpuOptions = {},
): Promise<Backend> {
  const { poolBytes = POOL_BYTES, fallback = false, maxBindingBytes = Infinity, clock = true } = options;
  return new WebGpuBackend(await openDevice(fallback), poolBytes, maxBindingBytes, clock);
}

class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly language = "wgsl";
  readonly description: string;
  readonly adapterClass: AdapterClass;
  readonly limits: BackendLimits;
  readonly features: ReadonlySet<string>;
  readonly subgroupSize: number | undefined;
  readonly #device: GPUDevice;
  readonly #errors: ErrorLatch;
  readonly #kernels: Kernels;
  readonly #memory: Memory;
  readonly #readback: Readback;
  readonly #measure: typeof timestampedSeconds;
  #submits = 0;
  #dispatches = 0;
  #uploaded = 0;
  #destroyed = false;

  constructor(open: OpenDevice, poolBytes: number, maxBindingBytes: number, clock: boolean) {
    const { device } = open;
    this.description = open.description;
    this.adapterClass = open.adapterClass;
    const limits = backendLimits(device.limits);
    this.limits = { ...limits, maxBindingBytes: Math.min(limits.maxBindingBytes, maxBindingBytes) };
    this.features = grantedFeatures(device);
    this.subgroupSize = open.subgroupSize;
    this.#measure = clock && this.features.has("timestamp-query") ? timestampedSeconds : repeatedSeconds;
    this.#device = device;
    this.#errors = new ErrorLatch(device, () => this.#destroyed);
    this.#kernels = new Kernels(device, (error) => this.#errors.keep(error));
    this.#memory = new Memory(
      device,
      this.limits.maxBufferBytes,
      poolBytes,
      (block) => this.#kernels.unbind(block),
      (error) => this.#errors.keep(error),
    );
    this.#readback = new Readback(device, device.limits.maxBufferSize);
  }

  get lost(): Error | undefined {
    return this.#errors.lost;
  }

  allocate(bytes: number, owner?: { toString(): string }): BackendBuffer {
    this.#checkOpen();
    return this.#memory.allocate(bytes, owner);
  }

  async settle(): Promise<void> {
    const exhausted = await this.#memory.settle();
    if (exhausted === undefined && !this.#errors.hasKept) return;
    await this.#errors.throwSettled();
    // Somebody else was told before
    if (exhausted) throw exhausted;
  }

  free(buffer: BackendBuffer): void {
    // After destroy, handles that are dropped late have nothing left to free.
    if (this.#destroyed) return;
    this.#readback.flush();
    this.#memory.free(own(buffer));
  }

  upload(buffer: BackendBuffer, data: ArrayBufferView, byteOffset = 0): void {
    this.#checkOpen();
    const { bytes, block } = own(buffer);
    // Deno aborts the process on arguments out of range, so they are checked.
    const words = wholeWords("An upload", byteOffset, data.byteLength, bytes);
    if (words === 0) return;
    this.#readback.flush();
    let source = new Uint8Array(
      data.buffer as ArrayBuffer,
      data.byteOffset,
      data.byteLength,
    );
    if (words !== data.byteLength) {
      const padded = new Uint8Array(words);
      padded.set(source);
      source = padded;
    }
    this.#device.queue.writeBuffer(block.gpu, byteOffset, source);
    this.#uploaded += words;
    if (this.#uploaded > UPLOAD_BYTES) this.#submitNow([]);
  }

  async download(buffer: BackendBuffer, bytes?: number): Promise<ArrayBuffer> {
    this.#checkOpen();
    const handle = own(buffer);
    const length = bytes ?? handle.bytes;
    if (!Number.isSafeInteger(length) || length < 0 || length > handle.bytes) {
      throw new RangeError(
        `Cannot download ${length} bytes of a buffer of ${handle.bytes} bytes`,
      );
    }
    const { gpu } = handle.block;
    const data = length === 0 ? new ArrayBuffer(0) : await this.#waited(this.#readback.request(gpu, length));
    this.#errors.throwKept();
    return data;
  }

  compile(
    kernel: BackendKernel,
    label: string,
    access: readonly Access[],
  ): BackendPipeline {
    this.#checkOpen();
    const most = this.limits.maxBuffersPerKernel;
    if (access.length > most) {
      throw new RangeError(
        `Kernel "${label}" has ${access.length} buffers: the adapter's limit ` +
          `is ${most}`,
      );
    }
    if (!("code" in kernel)) {
      throw new TypeError(`Kernel "${label}" is written in WebAssembly: expected one written in WGSL`);
    }
    return this.#kernels.compile(kernel.code, label, access);
  }

  prepare(commands: readonly Command[]): Program {
    this.#checkOpen();
    return new WebGpuProgram(commands, this.#kernels, this.limits);
  }

  submit(...programs: Program[]): void {
    this.#checkOpen();
    this.#errors.throwKept();
    const ready = programs.map(runnable);
    this.#readback.flush();
    if (ready.every((program) => program.length === 0)) return;
    const encoder = this.#device.createCommandEncoder();
    for (const program of ready) {
      program.record(encoder);
      this.#dispatches += program.dispatches;
    }
    this.#submitNow([encoder.finish()]);
    this.#submits++;
  }

  async measure(program: Program): Promise<Float64Array> {
    this.#checkOpen();
    this.#errors.throwKept();
    const ready = runnable(program);
    this.#readback.flush();
    const seconds = new Float64Array(ready.commands);
    if (ready.length === 0) return seconds;
    const each = await this.#waited(this.#measure(this.#device, ready));
    ready.sources.forEach((command, i) => seconds[command] = each[i]);
    this.#errors.throwKept();
    return seconds;
  }

  async synchronize(): Promise<void> {
    this.#checkOpen();
    this.#readback.flush();
    await this.#waited(this.#device.queue.onSubmittedWorkDone());
    this.#errors.throwKept();
  }

  stats(): BackendStats {
    return {
      ...this.#memory.stats(),
      pipelines: this.#kernels.size,
      submits: this.#submits,
      dispatches: this.#dispatches,
    };
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#memory.destroy();
    this.#device.destroy();
  }

  #submitNow(commands: GPUCommandBuffer[]): void {
    this.#device.queue.submit(commands);
    this.#uploaded = 0;
  }

  #checkOpen(): void {
    if (this.#destroyed) throw new TypeError("The backend was destroyed");
    if (this.#errors.lost) throw this.#errors.lost;
  }

  /** A wait that fails tells less than the error that made it fail. */
  async #waited<T>(wait: Promise<T>): Promise<T> {
    try {
      return await wait;
    } catch (error) {
      await this.#errors.throwSettled();
      throw error;
    }
  }
}
