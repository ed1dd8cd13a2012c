/**
 * Small kernels for the tests of the WebAssembly backend.
 *
 * @module
 */

import { type Code, forEach, i32, type Local, WasmFunction, type WasmKernel } from "@dipp/kernels/wasm";
import type { Backend, BackendBuffer, BackendPipeline, Command } from "./backend.ts";
import { createWasmBackend, type WasmOptions } from "./wasm.ts";

/** What a task is given. */
export interface TaskArguments {
  /** Its number. */
  readonly task: Local;
  /** Address of element `index` of buffer `buffer`, of 4 bytes each. */
  readonly element: (buffer: number, index: Code) => Code;
  /** Address of word `index` of the thread's own memory. */
  readonly scratch: (index: Code) => Code;
  /** Address of word `index` of the memory of all tasks. */
  readonly shared: (index: Code) => Code;
  /** A variable. */
  readonly variable: () => Local;
}

/** A function of a phase. */
export function entry(body: (args: TaskArguments) => Code): WasmFunction {
  const f = new WasmFunction("entry");
  const [task, buffers, scratch, shared] = [0, 1, 2, 3].map(() => f.parameter("i32"));
  const word = (base: Code, index: Code): Code => i32.add(base, i32.shl(index, i32.const(2)));
  f.body = body({
    task,
    element: (buffer, index) => word(i32.load(buffers.get, 4 * buffer), index),
    scratch: (index) => word(scratch.get, index),
    shared: (index) => word(shared.get, index),
    variable: () => f.local("i32"),
  });
  return f;
}

/** A kernel of one phase. */
export function kernel(key: string, tasks: number, body: (args: TaskArguments) => Code): WasmKernel {
  return { key, phases: [{ entry: entry(body), tasks }], scratchBytes: 0, sharedBytes: 0 };
}

/** x[i] = x[i] * 2 + 1, whose powers do not commute with anything else here; each of four elements a task. */
export const STEP: WasmKernel = kernel("step", 4, ({ task, element }) => {
  const x = element(0, task.get);
  return i32.store(x, i32.add(i32.mul(i32.load(x), i32.const(2)), i32.const(1)));
});

/** c[i] = a[i] + b[i], all in one task. */
export const ADD: WasmKernel = kernel("add", 1, ({ element, variable }) => {
  const i = variable();
  const sum = i32.add(i32.load(element(0, i.get)), i32.load(element(1, i.get)));
  return forEach(i, i32.const(0), i32.const(4), 1, i32.store(element(2, i.get), sum));
});

/** x[0] = rounds, one by one: it takes a while. */
export function slow(rounds: number): WasmKernel {
  return kernel(`slow ${rounds}`, 1, ({ element, variable }) => {
    const i = variable();
    const x = element(0, i32.const(0));
    return [
      i32.store(x, i32.const(0)),
      forEach(i, i32.const(0), i32.const(rounds), 1, i32.atomicStore(x, i32.add(i32.load(x), i32.const(1)))),
    ];
  });
}

/** A dispatch. */
export function dispatch(pipeline: BackendPipeline, reads: BackendBuffer[], writes: BackendBuffer[]): Command {
  return {
    kind: "dispatch",
    pipeline,
    buffers: [
      ...reads.map((buffer) => ({ buffer, access: "read" as const })),
      ...writes.map((buffer) => ({ buffer, access: "read_write" as const })),
    ],
  };
}

/** A run of {@linkcode STEP}. */
export function step(backend: Backend, x: BackendBuffer): Command {
  return dispatch(backend.compile(STEP, "step", ["read_write"]), [], [x]);
}

/** A run of {@linkcode ADD}. */
export function add(backend: Backend, a: BackendBuffer, b: BackendBuffer, c: BackendBuffer): Command {
  return dispatch(backend.compile(ADD, "add", ["read", "read", "read_write"]), [a, b], [c]);
}

/** A run of {@linkcode slow}. */
export function wait(backend: Backend, x: BackendBuffer, rounds = 3e7): Command {
  return dispatch(backend.compile(slow(rounds), "slow", ["read_write"]), [], [x]);
}

/** A buffer of integers. */
export function upload(backend: Backend, values: number[]): BackendBuffer {
  const buffer = backend.allocate(values.length * 4);
  backend.upload(buffer, new Int32Array(values));
  return buffer;
}

/** The integers of a buffer. */
export async function values(backend: Backend, buffer: BackendBuffer): Promise<number[]> {
  return [...new Int32Array(await backend.download(buffer))];
}

/** A test with a backend of its own. */
export function withBackend(
  body: (backend: Backend) => Promise<void> | void,
  options: WasmOptions = { threads: 2 },
): () => Promise<void> {
  return async () => {
    const backend = await createWasmBackend(options);
    try {
      await body(backend);
    } finally {
      backend.destroy();
    }
  };
}
