/** Runs cases off the main thread, which can so see that one does not end. */
import { corpus } from "./corpus.ts";
import { runCase } from "./run_case.ts";

/** What the worker is told. */
export interface Assignment {
  /** The seed of the run. */
  readonly seed: number;
  /** The first case. */
  readonly from: number;
  /** The case after the last. */
  readonly to: number;
  /** Where the worker writes the case it is at. */
  readonly at: SharedArrayBuffer;
}

/** What the worker says: a failure, or at the end the sums. */
export type Report =
  | { readonly index: number; readonly message: string }
  | { readonly loads: number; readonly refused: number; readonly heap: number };

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Assignment>) => void) | null;
  postMessage(report: Report): void;
};

scope.onmessage = async ({ data: { seed, from, to, at } }) => {
  const seeds = corpus(), current = new Int32Array(at);
  let loads = 0, refused = 0, heap = 0;
  for (let index = from; index < to; index++) {
    Atomics.store(current, 0, index);
    const { kind, message } = await runCase(seeds, seed, index);
    if (kind === "fails") scope.postMessage({ index, message });
    else if (kind === "loads") loads++;
    else refused++;
    heap = Math.max(heap, Deno.memoryUsage().rss);
  }
  scope.postMessage({ loads, refused, heap });
};
