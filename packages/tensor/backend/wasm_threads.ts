/**
 * The workers of the WebAssembly backend.
 *
 * @module
 */

import { type FailureMessage, type ModuleMessage, type StartMessage, WORKER_URL } from "./wasm_worker.ts";

/** One worker, of Node's kind or the web's. */
export interface Thread {
  /** Sends a message. */
  post(message: StartMessage | ModuleMessage): void;
  /** Says whether the process lives on while the worker does; only Node's kind can tell. */
  hold(isHeld: boolean): void;
  /** Ends it, whatever it does. */
  terminate(): void;
}

/** Told why a thread cannot go on, and whether that happened in a kernel. */
export type OnFailure = (reason: string, isKernel: boolean) => void;

/** A worker for each thread. They do not keep the process alive, except while somebody waits. */
export class Threads {
  /** The workers. */
  readonly all: readonly Thread[];
  #waits = 0;
  #isOver = false;

  /**
   * @param count Number of threads.
   * @param driver The module that they run.
   * @param memory The memory that they share.
   * @param onFailure Told of a thread that cannot go on.
   */
  constructor(count: number, driver: WebAssembly.Module, memory: WebAssembly.Memory, onFailure: OnFailure) {
    const failed: OnFailure = (reason, isKernel) => {
      if (!this.#isOver) onFailure(reason, isKernel);
    };
    this.all = Array.from({ length: count }, (_, thread) => {
      const one = startThread(failed);
      one.post({ thread, driver, memory });
      return one;
    });
  }

  /** Sends a module to all of them. */
  post(message: ModuleMessage): void {
    for (const thread of this.all) thread.post(message);
  }

  /** Keeps the process alive until the promise is settled. */
  async holdFor<T>(promise: Promise<T>): Promise<T> {
    if (this.#waits++ === 0) this.all[0].hold(true);
    try {
      return await promise;
    } finally {
      if (--this.#waits === 0) this.all[0].hold(false);
    }
  }

  /** Ends all of them. */
  terminate(): void {
    this.#isOver = true;
    for (const thread of this.all) thread.terminate();
  }
}

function startThread(onFailure: OnFailure): Thread {
  const threads = globalThis.process?.getBuiltinModule?.("node:worker_threads");
  if (threads !== undefined) {
    const worker = new threads.Worker(new URL(WORKER_URL));
    worker.unref();
    worker.on("message", ({ reason, isKernel }: FailureMessage) => onFailure(reason, isKernel));
    worker.on("error", (error: unknown) => onFailure(String(error), false));
    worker.on("exit", () => onFailure("a thread has ended", false));
    return {
      post: (message) => worker.postMessage(message),
      hold: (isHeld) => isHeld ? worker.ref() : worker.unref(),
      terminate: () => void worker.terminate(),
    };
  }
  const worker = new Worker(WORKER_URL, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FailureMessage>) => onFailure(data.reason, data.isKernel);
  worker.onerror = (event) => {
    event.preventDefault();
    onFailure(event.message, false);
  };
  return { post: (message) => worker.postMessage(message), hold: () => {}, terminate: () => worker.terminate() };
}
