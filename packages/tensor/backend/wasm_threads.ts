/**
 * The workers of the WebAssembly backend, as the main thread sees them.
 *
 * @module
 */

import { type FailureMessage, type ModuleMessage, type StartMessage, WORKER_URL } from "./wasm_worker.ts";

/** Told why a thread cannot go on, and whether that happened in a kernel. */
export type OnFailure = (reason: string, isKernel: boolean) => void;

/** A worker: of Node's kind, without which a process can end, or of the web's. */
interface Thread {
  postMessage(message: StartMessage | ModuleMessage): void;
  terminate(): void;
  ref?(): void;
  unref?(): void;
}

/**
 * Threads that run the driver. They do not keep the process alive, except while somebody waits. Starting one takes the
 * main thread tens of milliseconds, so only the first starts at once; the others join while it works.
 */
export class Threads {
  readonly #start: (thread: number) => Thread;
  readonly #count: number;
  readonly #all: Thread[] = [];
  readonly #sent: ModuleMessage[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waits = 0;
  #isOver = false;

  /**
   * @param count Number of threads.
   * @param driver The module that they run.
   * @param memory The memory that they share.
   * @param onFailure Told of a thread that cannot go on.
   */
  constructor(count: number, driver: WebAssembly.Module, memory: WebAssembly.Memory, onFailure: OnFailure) {
    this.#count = count;
    this.#start = (thread) => {
      const one = startThread((reason, isKernel) => {
        if (!this.#isOver) onFailure(reason, isKernel);
      });
      one.postMessage({ thread, driver, memory });
      return one;
    };
    this.#startNext();
  }

  /** Sends a module to all of them. */
  send(message: ModuleMessage): void {
    this.#sent.push(message);
    for (const thread of this.#all) thread.postMessage(message);
  }

  /** Keeps the process alive until the promise is settled. */
  async holdFor<T>(promise: Promise<T>): Promise<T> {
    if (this.#waits++ === 0) this.#all[0].ref?.();
    try {
      return await promise;
    } finally {
      if (--this.#waits === 0) this.#all[0].unref?.();
    }
  }

  /** Ends all of them, whatever they do. */
  terminate(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const thread of this.#all) thread.terminate();
  }

  #startNext(): void {
    const thread = this.#start(this.#all.length);
    for (const message of this.#sent) thread.postMessage(message);
    this.#all.push(thread);
    if (this.#all.length < this.#count) this.#timer = setTimeout(() => this.#startNext(), 0);
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
    return worker;
  }
  const worker = new Worker(WORKER_URL, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FailureMessage>) => onFailure(data.reason, data.isKernel);
  worker.onerror = (event) => {
    event.preventDefault();
    onFailure(event.message, false);
  };
  return worker;
}
