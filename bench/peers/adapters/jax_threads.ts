/** jax-js on WebAssembly: how many threads, and what they are told. */
import type { Counted } from "../row.ts";

/**
 * Makes jax-js start so many threads: it starts as many as the machine has cores. To be called before it is loaded.
 *
 * @returns What counts the kernels that it sends to its threads.
 */
export function setThreads(threads: number): () => Counted {
  Object.defineProperty(navigator, "hardwareConcurrency", { value: threads, configurable: true });
  let [dispatches, lastSubmit] = [0, 0];
  const post = Worker.prototype.postMessage as (...args: unknown[]) => void;
  Worker.prototype.postMessage = function (...args: unknown[]) {
    const [{ type, begin = 0 }] = args as [{ type?: string; begin?: number }];
    // A kernel goes to several threads, each of which has a part
    if ((type === "kernel" || type === "routine") && begin === 0) dispatches++;
    post.apply(this, args);
    lastSubmit = performance.now();
  };
  return () => ({ dispatches, submits: dispatches, lastSubmit });
}
