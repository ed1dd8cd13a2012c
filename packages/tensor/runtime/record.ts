/** Traces a function once and keeps its plan, bound to buffers. */
import type { Backend, BackendBuffer, Command } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { describePlan, type PlanDescription, targetOf } from "../schedule/describe.ts";
import { isLeaf } from "../schedule/group.ts";
import { bindPlan, type Plan } from "../schedule/plan.ts";
import type { Tensor } from "../tensor.ts";
import type { Tree } from "../tree.ts";
import { deviceBuffer } from "./storage.ts";
import { trace } from "./trace.ts";

/** A traced function: where its inputs go, what it computes, where its outputs come from. */
export interface Recording<Out> {
  readonly backend: Backend;
  readonly plan: Plan;
  readonly inputs: readonly BackendBuffer[];
  readonly outputTree: Out;
  readonly outputs: readonly Tensor[];
}

/** Traces `fn` for inputs of these shapes and dtypes and makes all that its plan needs; gives what was planned, too. */
export function record<In extends Tree<Tensor>, Out extends Tree<Tensor>>(
  fn: (inputs: In) => Out,
  inputs: In,
  backend: Backend,
): { recording: Recording<Out>; description: PlanDescription } {
  const { inputs: placeholders, outputTree, outputs, assignments } = trace(fn, inputs);
  const buffers: BackendBuffer[] = [];
  try {
    const description = describePlan(outputs, assignments, targetOf(backend));
    for (const t of placeholders) {
      const buffer = backend.allocate(byteLength(t.dtype, t.size), t);
      buffers.push(buffer);
      t.storage = { buffer, backend };
    }
    const bound = bindPlan(description, backend);
    const plan = { ...bound, captured: bound.captured.filter((t) => !placeholders.includes(t)) };
    return { recording: { backend, plan, inputs: buffers, outputTree, outputs }, description };
  } catch (error) {
    for (const buffer of buffers) backend.free(buffer);
    throw error;
  } finally {
    for (const t of placeholders) t.storage = { gone: "it stood for an input while a function was traced" };
  }
}

/** Throws if something that a plan works on is not there any more, or what it is given is not there yet. */
function check({ plan }: Recording<unknown>, inputs: readonly Tensor[]): void {
  for (const t of plan.captured) {
    if (t.storage!.gone === undefined) continue;
    throw new TypeError(`Cannot call the compiled function: it captured ${t}, but ${t.storage!.gone}`);
  }
  for (const t of inputs) {
    if (isLeaf(t)) continue;
    throw new TypeError(`Cannot pass ${t} to a compiled function: expected data or a realised tensor`);
  }
}

/** Gives the recording's inputs their elements: by uploads, and by the commands that are returned. */
export function fillInputs(recording: Recording<unknown>, inputs: readonly Tensor[]): Command[] {
  check(recording, inputs);
  const incoming: Command[] = [];
  inputs.forEach((tensor, i) => {
    const target = recording.inputs[i];
    if (tensor.storage?.host) {
      return recording.backend.upload(target, tensor.storage.host);
    }
    const bytes = byteLength(tensor.dtype, tensor.size);
    incoming.push({
      kind: "copy",
      source: deviceBuffer(tensor, recording.backend),
      sourceOffset: 0,
      target,
      targetOffset: 0,
      bytes,
    });
  });
  return incoming;
}

/** Frees all that a recording keeps. */
export function release({ backend, plan, inputs }: Recording<unknown>): void {
  plan.free();
  plan.freeOutputs();
  for (const buffer of inputs) backend.free(buffer);
}
