/**
 * Kernels of the WebAssembly backend, many in one module.
 *
 * @module
 */

import { buildModule, control, WasmFunction, type WasmKernel, type WasmPhase } from "@dipp/kernels/wasm";
import type { Access, BackendKernel, BackendPipeline } from "./backend.ts";
import { DRIVER_ENTRIES } from "./wasm_driver.ts";
import { MAXIMUM_PAGES } from "./wasm_memory.ts";
import type { ModuleMessage } from "./wasm_worker.ts";

/** A kernel that runs, or will. */
export class WasmPipeline implements BackendPipeline {
  /** The name that errors carry. */
  readonly label: string;
  /** How each buffer is used. */
  readonly access: readonly Access[];
  /** Its number in programs. */
  readonly id: number;
  /** Tasks of each phase. */
  readonly tasks: readonly number[];
  /** Entry of its first phase in the table, once a program needs it; the others follow. */
  entry: number | undefined;
  /** Number of modules that must have been sent before it runs. */
  modules = 0;
  /** Why it cannot run, once that is known. */
  error: Error | undefined;

  /** Made by {@linkcode WasmKernels.compile}. */
  constructor(label: string, access: readonly Access[], id: number, phases: readonly WasmPhase[]) {
    this.label = label;
    this.access = access;
    this.id = id;
    this.tasks = phases.map((phase) => phase.tasks);
  }
}

/** A pipeline that waits for its module, and its functions. */
interface Unlinked {
  readonly pipeline: WasmPipeline;
  readonly functions: readonly WasmFunction[];
}

/** Where kernels are told of what they need and become. */
export interface KernelEvents {
  /** A kernel needs memory of its own. */
  reserve(scratchBytes: number, sharedBytes: number): void;
  /** A module is ready for all threads; modules come in the order of their numbers. */
  send(message: ModuleMessage): void;
  /** A kernel is wrong. */
  keep(error: Error): void;
  /** Nothing works any more. */
  lose(error: Error): void;
}

/** Compiles kernels, each once, in modules of all that a program needs. */
export class WasmKernels {
  readonly #events: KernelEvents;
  readonly #byKey: Map<string, WasmPipeline> = new Map();
  readonly #byId: WasmPipeline[] = [];
  /** Code is let go once it is in a module. */
  readonly #unlinked: Map<WasmPipeline, readonly WasmFunction[]> = new Map();
  #entries = DRIVER_ENTRIES;
  #modules = 0;
  #sent: Promise<void> = Promise.resolve();

  /** @param events Who is told. */
  constructor(events: KernelEvents) {
    this.#events = events;
  }

  /** Number of kernels. */
  get size(): number {
    return this.#byId.length;
  }

  /** The name of a kernel by its number. */
  label(id: number): string | undefined {
    return this.#byId[id]?.label;
  }

  /** Takes a kernel, or returns the one taken before. */
  compile(kernel: BackendKernel, label: string, access: readonly Access[]): WasmPipeline {
    if (!isWasm(kernel)) {
      throw new TypeError(`Kernel "${label}" is written in WGSL: expected one written in WebAssembly`);
    }
    const key = `${access.map((a) => a === "read" ? "r" : "w").join("")}:${kernel.key}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    for (const { tasks } of kernel.phases) {
      if (Number.isInteger(tasks) && tasks >= 0 && tasks < 2 ** 31) continue;
      throw new RangeError(`Kernel "${label}" cannot run ${tasks} tasks: expected a whole number from 0 to 2^31 - 1`);
    }
    this.#events.reserve(kernel.scratchBytes, kernel.sharedBytes);
    const pipeline = new WasmPipeline(label, [...access], this.#byId.length, kernel.phases);
    this.#byId.push(pipeline);
    this.#byKey.set(key, pipeline);
    this.#unlinked.set(pipeline, kernel.phases.map((phase) => phase.entry));
    return pipeline;
  }

  /** Gives pipelines their place in the table, and compiles those that had none. */
  link(pipelines: Iterable<WasmPipeline>): void {
    const parts: Unlinked[] = [];
    const offset = this.#entries;
    for (const pipeline of pipelines) {
      const functions = this.#unlinked.get(pipeline);
      if (functions === undefined) continue;
      parts.push({ pipeline, functions });
    }
    if (parts.length === 0) return;
    this.#modules++;
    for (const { pipeline, functions } of parts) {
      this.#unlinked.delete(pipeline);
      pipeline.entry = this.#entries;
      pipeline.modules = this.#modules;
      this.#entries += functions.length;
    }
    const compiled = compileAll(parts, offset);
    const entries = this.#entries;
    this.#sent = this.#sent.then(async () => {
      const { module, errors } = await compiled;
      errors.forEach((error) => this.#events.keep(error));
      this.#events.send({ module, entries });
    }).catch((error) => this.#events.lose(error));
  }
}

function isWasm(kernel: BackendKernel): kernel is WasmKernel {
  return "phases" in kernel;
}

async function compileAll(
  parts: readonly Unlinked[],
  offset: number,
): Promise<{ module: WebAssembly.Module; errors: Error[] }> {
  try {
    return { module: await WebAssembly.compile(assemble(parts, offset)), errors: [] };
  } catch {
    // One of them is wrong, and has no part in this
    const errors: Error[] = [];
    const stub = new WasmFunction("stub");
    for (let i = 0; i < 4; i++) stub.parameter("i32");
    stub.body = control.unreachable;
    const right = parts.map((part) => {
      try {
        new WebAssembly.Module(assemble([part], 0));
        return part;
      } catch (error) {
        const { pipeline } = part;
        pipeline.error = new Error(`Kernel "${pipeline.label}" does not compile: ${(error as Error).message}`);
        errors.push(pipeline.error);
        return { pipeline, functions: part.functions.map(() => stub) };
      }
    });
    return { module: await WebAssembly.compile(assemble(right, offset)), errors };
  }
}

function assemble(parts: readonly Unlinked[], tableOffset: number): Uint8Array<ArrayBuffer> {
  return buildModule({
    table: parts.flatMap((part) => part.functions),
    tableOffset,
    memory: { minimum: 1, maximum: MAXIMUM_PAGES, shared: true },
  });
}
