/** What a kernel for the WebAssembly backend is: functions, and how its work is cut into tasks. */
import type { WasmFunction } from "./function.ts";

/** A part of a kernel whose tasks may run in any order, on any threads; it begins when the part before it has ended. */
export interface WasmPhase {
  /**
   * Runs one task. A function of four i32 without result:
   *
   * - `task`: the number of the task, from 0 to `tasks` - 1;
   * - `buffers`: address of a list of i32 addresses, that of each buffer of the kernel in the order of its bindings;
   * - `scratch`: address of `scratchBytes` bytes that only this thread uses, with any content;
   * - `shared`: address of `sharedBytes` bytes for all tasks of all phases of this run of the kernel.
   *
   * Buffers, scratch and shared memory begin at multiples of 64, and at least 64 bytes beyond each may be read.
   */
  readonly entry: WasmFunction;
  /** Number of tasks; what is computed must not depend on how they are shared out. */
  readonly tasks: number;
}

/** A kernel as WebAssembly. */
export interface WasmKernel {
  /** Equal for kernels that do the same. */
  readonly key: string;
  /** Its parts, one after another. */
  readonly phases: readonly WasmPhase[];
  /** Bytes of memory that each thread needs. */
  readonly scratchBytes: number;
  /** Bytes of memory that all threads share. */
  readonly sharedBytes: number;
}

/** What the runtime's WebAssembly can do. */
export interface WasmTarget {
  /** Whether there is relaxed SIMD (a multiply-add in one instruction). */
  readonly relaxed: boolean;
  /** Threads that share the tasks: a kernel should have a few tasks for each. Results must not depend on it. */
  readonly threads: number;
}
