/** Traces a function once per input signature and replays the recorded plan from then on. */
import type { Backend, Command } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { isLeaf } from "../schedule/group.ts";
import { show } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { type Tree, treeEntries, treeMap } from "../tree.ts";
import { startedBackend } from "./device.ts";
import { fillInputs, record, type Recording, release } from "./record.ts";
import { adopt } from "./storage.ts";
import { refuseWhileTracing } from "./trace.ts";

/** A function of tensors that replays a recorded plan. Disposing it, or dropping it, frees what its plans keep. */
export interface Compiled<In, Out> extends Disposable {
  /** Runs the function; outputs are fresh tensors. */
  (inputs: In): Out;
  /** Frees the memory of the plans now instead of at garbage collection; a later call traces again. */
  dispose(): void;
}

// The memory of functions that nobody can call any more
const abandoned = new FinalizationRegistry<Map<string, Recording<unknown>>>(releaseAll);

function releaseAll(traces: Map<string, Recording<unknown>>): void {
  for (const trace of traces.values()) release(trace);
  traces.clear();
}

/**
 * Makes a function of tensors that is traced at its first call with each input signature (shapes and dtypes) and from
 * then on replays its plan: no graph building, no kernel lookups, one submit, no waiting. What changes from call to
 * call must be an input; tensors that `fn` captures are read where they lie, so parameters changed by `assign` are
 * seen. `assign` inside `fn` updates state at the end of every call. Outputs are fresh tensors, read with `data()`.
 *
 * @param fn Pure apart from `assign`; takes one tree of tensors and returns one.
 * @returns The compiled function; synchronous, so `await init()` must have been called. It throws a `TypeError` where
 *   something that it captured was disposed, and when it is called inside a function that is traced. Where `fn` throws,
 *   nothing has happened.
 *
 * @example A counter
 * ```ts
 * import { assign, compile, init, scalar, type Tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * await init();
 * const count = await scalar(0).realize();
 * const step = compile(({ by }: { by: Tensor }) => {
 *   assign(count, count.add(by));
 *   return count.mul(2);
 * });
 * step({ by: scalar(3) });
 * assertEquals(await step({ by: scalar(3) }).item(), 6);
 * assertEquals(await count.item(), 6);
 * ```
 */
export function compile<In extends Tree<Tensor>, Out extends Tree<Tensor>>(
  fn: (inputs: In) => Out,
): Compiled<In, Out> {
  const traces = new Map<string, Recording<Out>>();
  const call = (inputs: In): Out => {
    refuseWhileTracing("call a compiled function");
    const backend = startedBackend();
    const entries = treeEntries<Tensor>(inputs);
    const signature = entries.map(([path, t]) => `${path}:${t.dtype}${show(t.shape)}`).join(";");
    let known = traces.get(signature);
    // A device that was lost takes its plans with it
    if (!known || known.backend !== backend) traces.set(signature, known = record(fn, inputs, backend).recording);
    try {
      return replay(known, entries.map(([, t]) => t), backend);
    } catch (error) {
      // A plan that got no memory is of no use; the next call makes another
      if (!known.plan.program.isUsable) {
        traces.delete(signature);
        release(known);
      }
      throw error;
    }
  };
  const dispose = () => releaseAll(traces);
  const compiled = Object.assign(call, { dispose, [Symbol.dispose]: dispose });
  abandoned.register(compiled, traces);
  return compiled;
}

function replay<Out extends Tree<Tensor>>(
  trace: Recording<Out>,
  inputs: readonly Tensor[],
  backend: Backend,
): Out {
  const incoming = fillInputs(trace, inputs);
  // An output that is state itself is copied before the program changes it
  const before: Command[] = [];
  const after: Command[] = [];
  const results = new Map<Tensor, Tensor>();
  trace.outputs.forEach((tensor, i) => {
    const bytes = byteLength(tensor.dtype, tensor.size);
    const target = backend.allocate(bytes, tensor);
    (isLeaf(tensor) ? before : after).push({
      kind: "copy",
      source: trace.plan.outputs[i],
      sourceOffset: 0,
      target,
      targetOffset: 0,
      bytes,
    });
    const fresh = new Tensor(
      { kind: "leaf", name: "output" },
      [],
      tensor.shape,
      tensor.dtype,
      {},
    );
    adopt(fresh.storage!, backend, target);
    results.set(tensor, fresh);
  });
  const copies = (list: Command[]) => list.length > 0 ? [backend.prepare(list)] : [];
  try {
    backend.submit(...copies([...incoming, ...before]), trace.plan.program, ...copies(after));
  } catch (error) {
    for (const t of results.values()) t.dispose();
    throw error;
  }
  return treeMap<Tensor, Tensor>(
    trace.outputTree,
    (t) => results.get(t)!,
  ) as Out;
}
