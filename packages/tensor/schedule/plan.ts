/** Binds the description of a plan to buffers and pipelines. */
import type { Kernel } from "@dipp/kernels";
import type { Backend, BackendBuffer, Binding, Command, Program } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { deviceBuffer } from "../runtime/storage.ts";
import type { Tensor } from "../tensor.ts";
import type { PlanDescription } from "./describe.ts";
import { isLeaf } from "./group.ts";
import type { LoweredKernel } from "./lower.ts";

/** A plan bound to buffers, ready to be submitted any number of times. */
export interface Plan {
  readonly program: Program;
  /** Buffer of each output, in the order asked for. */
  readonly outputs: readonly BackendBuffer[];
  /** Frees the intermediates; the outputs stay with the caller. */
  free(): void;
}

/** Allocates what a plan needs and compiles its kernels. */
export function bindPlan(description: PlanDescription, backend: Backend): Plan {
  const { outputs, assignments, kernels, slotOf, inPlace } = description;
  const buffers = new Map<Tensor, BackendBuffer>();
  const slots = description.slots.map((bytes) => backend.allocate(bytes));
  for (const [tensor, slot] of slotOf) buffers.set(tensor, slots[slot]);
  for (const [value, state] of inPlace) buffers.set(value, deviceBuffer(state, backend));
  for (const t of new Set(outputs)) {
    if (!isLeaf(t)) buffers.set(t, backend.allocate(byteLength(t.dtype, t.size)));
  }
  const bufferOf = (t: Tensor) => buffers.get(t) ?? deviceBuffer(t, backend);

  const commands = kernels.flatMap((k) => k.kernel ? [dispatch(k, k.kernel, bufferOf, backend)] : copies(k, bufferOf));
  for (const { target: state, value } of assignments) {
    if (inPlace.get(value) === state) continue;
    const bytes = byteLength(state.dtype, state.size);
    commands.push({
      kind: "copy",
      source: bufferOf(value),
      sourceOffset: 0,
      target: deviceBuffer(state, backend),
      targetOffset: 0,
      bytes,
    });
  }
  return {
    program: backend.prepare(commands),
    outputs: outputs.map(bufferOf),
    free: () => slots.forEach((b) => backend.free(b)),
  };
}

function dispatch(k: LoweredKernel, kernel: Kernel, bufferOf: (t: Tensor) => BackendBuffer, backend: Backend): Command {
  const buffers: Binding[] = k.reads.map((t) => ({
    buffer: bufferOf(t),
    access: t === k.inPlace ? "read_write" : "read",
  }));
  if (k.inPlace === undefined) buffers.push({ buffer: bufferOf(k.root), access: "read_write" });
  const pipeline = backend.compile(kernel.code, k.label, buffers.map((b) => b.access));
  return { kind: "dispatch", pipeline, buffers, workgroups: kernel.workgroups };
}

function copies(k: LoweredKernel, bufferOf: (t: Tensor) => BackendBuffer): Command[] {
  let targetOffset = 0;
  return k.reads.map((t) => {
    const bytes = byteLength(t.dtype, t.size);
    const start = targetOffset;
    targetOffset += bytes;
    return { kind: "copy", source: bufferOf(t), sourceOffset: 0, target: bufferOf(k.root), targetOffset: start, bytes };
  });
}
