/** Traces a function once per input signature and replays the recorded plan from then on. */
import type { Backend, BackendBuffer, Command } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { isLeaf } from "../schedule/group.ts";
import { describePlan, targetOf } from "../schedule/describe.ts";
import { bindPlan, type Plan } from "../schedule/plan.ts";
import { show } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { type Tree, treeEntries, treeMap } from "../tree.ts";
import { startedBackend } from "./device.ts";
import { adopt, deviceBuffer } from "./storage.ts";
import { trace } from "./trace.ts";

/** A traced function: where its inputs go, what it computes, where its outputs come from. */
interface Trace<Out> {
  readonly plan: Plan;
  readonly inputs: readonly BackendBuffer[];
  readonly outputTree: Out;
  readonly outputs: readonly Tensor[];
}

/**
 * Makes a function of tensors that is traced at its first call with each input signature (shapes and dtypes) and from
 * then on replays its plan: no graph building, no kernel lookups, one submit, no waiting. What changes from call to
 * call must be an input; tensors that `fn` captures are read where they lie, so parameters changed by `assign` are
 * seen. `assign` inside `fn` updates state at the end of every call. Outputs are fresh tensors, read with `data()`.
 *
 * @param fn Pure apart from `assign`; takes one tree of tensors and returns one.
 * @returns The compiled function; synchronous, so `await init()` must have been called.
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
): (inputs: In) => Out {
  const traces = new Map<string, Trace<Out>>();
  return (inputs) => {
    const backend = startedBackend();
    const entries = treeEntries<Tensor>(inputs);
    const signature = entries.map(([path, t]) => `${path}:${t.dtype}${show(t.shape)}`).join(";");
    let known = traces.get(signature);
    if (!known) traces.set(signature, known = record(fn, inputs, backend));
    return replay(known, entries.map(([, t]) => t), backend);
  };
}

function record<In extends Tree<Tensor>, Out extends Tree<Tensor>>(
  fn: (inputs: In) => Out,
  inputs: In,
  backend: Backend,
): Trace<Out> {
  const { inputs: placeholders, outputTree, outputs, assignments } = trace(fn, inputs);
  const description = describePlan(outputs, assignments, targetOf(backend));
  const buffers = placeholders.map((t) => {
    const buffer = backend.allocate(byteLength(t.dtype, t.size));
    t.storage = { buffer, backend };
    return buffer;
  });
  return { plan: bindPlan(description, backend), inputs: buffers, outputTree, outputs };
}

function replay<Out extends Tree<Tensor>>(
  trace: Trace<Out>,
  inputs: readonly Tensor[],
  backend: Backend,
): Out {
  const incoming: Command[] = [];
  inputs.forEach((tensor, i) => {
    const target = trace.inputs[i];
    if (!isLeaf(tensor)) {
      throw new TypeError(
        `Cannot pass ${tensor} to a compiled function: expected data or a realised tensor`,
      );
    }
    if (tensor.storage?.host) {
      return backend.upload(target, tensor.storage.host);
    }
    const bytes = byteLength(tensor.dtype, tensor.size);
    incoming.push({
      kind: "copy",
      source: deviceBuffer(tensor, backend),
      sourceOffset: 0,
      target,
      targetOffset: 0,
      bytes,
    });
  });
  // An output that is state itself is copied before the program changes it
  const before: Command[] = [];
  const after: Command[] = [];
  const results = new Map<Tensor, Tensor>();
  trace.outputs.forEach((tensor, i) => {
    const bytes = byteLength(tensor.dtype, tensor.size);
    const target = backend.allocate(bytes);
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
  backend.submit(...copies([...incoming, ...before]), trace.plan.program, ...copies(after));
  return treeMap<Tensor, Tensor>(
    trace.outputTree,
    (t) => results.get(t)!,
  ) as Out;
}
