/**
 * The seam between the tensor engine and the machine that runs its kernels.
 *
 * The scheduler above it speaks in buffers, kernels (WGSL source) and programs
 * (lists of dispatches and copies). Nothing above this file names a GPU type.
 *
 * @module
 */

import type { Kernel } from "@dipp/kernels";
import type { WasmKernel, WasmTarget } from "@dipp/kernels/wasm";

/** How a kernel uses one of its buffers: `var<storage, read>` or `var<storage, read_write>`. */
export type Access = "read" | "read_write";

/** What runs the kernels, as far as it matters for choosing between kernel variants. */
export type AdapterClass = "software" | "integrated" | "discrete" | "cpu";

/** A kernel in the language of a backend: WGSL, or WebAssembly. */
export type BackendKernel = Pick<Kernel, "code"> | WasmKernel;

/** An opaque handle of a piece of device memory. */
export interface BackendBuffer {
  /** The length asked for, in bytes. */
  readonly bytes: number;
}

/** An opaque handle of a compiled kernel. */
export interface BackendPipeline {
  /** The name that errors about this kernel carry. */
  readonly label: string;
}

/** One buffer of a dispatch; its place in the list is its `@binding` index. */
export interface Binding {
  /** The memory to bind. */
  readonly buffer: BackendBuffer;
  /** How the kernel uses it; must be what the kernel was compiled with. */
  readonly access: Access;
  /** First byte to bind, a multiple of 256; 0 by default. Ranges of one buffer that a kernel writes must not overlap. */
  readonly offset?: number;
  /** Bytes to bind, at most `maxBindingBytes`; the whole buffer by default. */
  readonly bytes?: number;
}

/** One run of a kernel. */
export interface DispatchCommand {
  /** Tells this command from a copy. */
  readonly kind: "dispatch";
  /** The kernel. */
  readonly pipeline: BackendPipeline;
  /** Its buffers, in the order of the `@binding` indices. */
  readonly buffers: readonly Binding[];
  /**
   * Workgroups along x, y and z of a kernel in WGSL, one by default. A zero makes the dispatch a no-op. A kernel in
   * WebAssembly knows its own tasks.
   */
  readonly workgroups?: readonly [number, number, number];
}

/**
 * A copy between two different buffers. Offsets are multiples of 4, and so are
 * the bytes, unless the copy ends where the target ends.
 */
export interface CopyCommand {
  /** Tells this command from a dispatch. */
  readonly kind: "copy";
  /** Where to read. */
  readonly source: BackendBuffer;
  /** First byte to read. */
  readonly sourceOffset: number;
  /** Where to write. */
  readonly target: BackendBuffer;
  /** First byte to write. */
  readonly targetOffset: number;
  /** Length of the copy. */
  readonly bytes: number;
}

/** One step of a program. Each command sees all writes of those before it. */
export type Command = DispatchCommand | CopyCommand;

/** Prepared commands: validated, with everything built that a replay needs. */
export interface Program {
  /** The number of commands that a submit of this program executes. */
  readonly length: number;
  /** Whether all of its buffers and kernels are still there. */
  readonly isUsable: boolean;
}

/** What the adapter allows. */
export interface BackendLimits {
  /** Most buffers of one kernel. */
  readonly maxBuffersPerKernel: number;
  /** Largest buffer, in bytes. */
  readonly maxBufferBytes: number;
  /** Most bytes of a buffer that one binding shows. */
  readonly maxBindingBytes: number;
  /** Most workgroups along one dimension of a dispatch. */
  readonly maxWorkgroupsPerDimension: number;
  /** Most invocations in one workgroup, and most along its x dimension. */
  readonly maxWorkgroupSize: number;
  /** Most bytes of `var<workgroup>` memory in one kernel. */
  readonly maxWorkgroupMemoryBytes: number;
}

/** Counters of one backend. */
export interface BackendStats {
  /** Buffers allocated and not freed. Back to its old value means no leak. */
  readonly liveBuffers: number;
  /** Device memory behind the live buffers (size classes, so at most an eighth over what was asked for). */
  readonly liveBytes: number;
  /** Device memory of freed buffers kept for reuse. */
  readonly pooledBytes: number;
  /** The highest `liveBytes` so far. */
  readonly peakBytes: number;
  /** Kernels compiled. */
  readonly pipelines: number;
  /** Programs submitted. */
  readonly submits: number;
  /** Dispatches in all submitted programs. */
  readonly dispatches: number;
}

/**
 * A device that runs kernels.
 *
 * Work is ordered: uploads, programs and downloads take effect in the order of
 * the calls, so a buffer may be freed, and its memory handed out again, as soon
 * as the last call that uses it has returned. Only {@linkcode Backend.download}
 * and {@linkcode Backend.synchronize} wait.
 *
 * The device reports mistakes late. The first one is kept and thrown, once, by
 * the next `submit`, `download` or `synchronize`; what was computed before that
 * cannot be trusted. That memory was exhausted is late too: besides, every use
 * of the buffer that got none throws it. Once a device is known to be lost,
 * every call but `free`, `stats` and `destroy` throws that.
 *
 * A kernel declares `@group(0) @binding(i) var<storage, read | read_write>` for
 * its i-th buffer and has the entry point `main`. A buffer may be bound larger
 * than asked for: kernels carry their sizes and do not use `arrayLength`.
 */
export interface Backend {
  /** The implementation, for example `"webgpu"`. */
  readonly name: string;
  /** The adapter, in words. */
  readonly description: string;
  /** What kind of machine it is, to choose kernel variants by. */
  readonly adapterClass: AdapterClass;
  /** The language of its kernels. */
  readonly language: "wgsl" | "wasm";
  /** Where that is WebAssembly, what there is to write kernels for. */
  readonly wasm?: WasmTarget;
  /** What the adapter allows. */
  readonly limits: BackendLimits;
  /** The optional features granted: `"shader-f16"`, `"subgroups"`, `"timestamp-query"`. */
  readonly features: ReadonlySet<string>;
  /** Invocations in a subgroup, where there are subgroup operations and all subgroups are of that size. */
  readonly subgroupSize: number | undefined;
  /** What every call throws since the device was lost; undefined while it is there. */
  readonly lost: Error | undefined;

  /**
   * Hands out memory. What it holds is undefined. Errors name the owner.
   *
   * @throws {RangeError} If bytes is no length, or over the limit.
   */
  allocate(bytes: number, owner?: { toString(): string }): BackendBuffer;

  /**
   * Waits until it is known whether the memory handed out so far is there: a few
   * microtasks at most, not for the device.
   *
   * @throws {Error} If it is not, or the device has reported another mistake.
   */
  settle(): Promise<void>;

  /**
   * Takes memory back into the pool.
   *
   * @throws {TypeError} If the buffer was freed before.
   */
  free(buffer: BackendBuffer): void;

  /**
   * Writes into a buffer. byteOffset is a multiple of 4, and so is the length
   * of data unless it ends where the buffer ends.
   *
   * @throws {RangeError} If data does not lie inside the buffer.
   */
  upload(
    buffer: BackendBuffer,
    data: ArrayBufferView,
    byteOffset?: number,
  ): void;

  /**
   * Reads the first bytes of a buffer (all of it by default), as they are after
   * all calls made before this one. Waits for the device: about 11 ms in Deno,
   * whatever the size. Downloads requested together share one wait.
   */
  download(buffer: BackendBuffer, bytes?: number): Promise<ArrayBuffer>;

  /**
   * Compiles a kernel; the same code and access list give the same pipeline.
   * A mistake in the code surfaces at the next `submit`, `download` or
   * `synchronize`, with the label and the source line.
   *
   * @throws {RangeError} If there are more buffers than a kernel can bind.
   */
  compile(
    kernel: BackendKernel,
    label: string,
    access: readonly Access[],
  ): BackendPipeline;

  /**
   * Validates commands and builds what replaying them needs.
   *
   * @throws {TypeError} If the bindings do not fit the kernel, or a dispatch
   *   binds a buffer it writes more than once.
   * @throws {RangeError} If workgroups or a copy are out of range.
   */
  prepare(commands: readonly Command[]): Program;

  /**
   * Queues programs in order: one command buffer, one submission, no waiting.
   *
   * @throws {TypeError} If one of its buffers was freed.
   */
  submit(...programs: Program[]): void;

  /**
   * Runs a program once and tells how long the device takes over each of its commands, which are repeated where it has no
   * clock. A WebGPU device without `timestamp-query` repeats what overwrites its own inputs too. Waits for the end.
   *
   * @returns Seconds, in the order of the commands that the program was made of; 0 for those that do nothing.
   * @throws {TypeError} If one of its buffers was freed.
   */
  measure(program: Program): Promise<Float64Array>;

  /** Waits until everything queued has run. */
  synchronize(): Promise<void>;

  /** The counters. */
  stats(): BackendStats;

  /** Gives all memory and the device back. Further use is an error. */
  destroy(): void;
}
