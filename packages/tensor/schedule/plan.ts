/** Binds the description of a plan to buffers and pipelines. */
import type { Access, Backend, BackendBuffer, Binding, Command, Program } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { deviceBuffer } from "../runtime/storage.ts";
import type { Tensor } from "../tensor.ts";
import type { PlanDescription } from "./describe.ts";
import { isLeaf } from "./group.ts";
import type { LoweredKernel } from "./lower.ts";
import { partsOf } from "./parts.ts";

/** A plan bound to buffers, ready to be submitted any number of times. */
export interface Plan {
  readonly program: Program;
  /** Buffer of each output, in the order asked for. */
  readonly outputs: readonly BackendBuffer[];
  /** Tensors that it reads or writes where they lie. */
  readonly captured: readonly Tensor[];
  /** Frees the intermediates; the outputs stay with the caller. */
  free(): void;
  /** Frees the outputs that were computed. */
  freeOutputs(): void;
}

/** Allocates what a plan needs and compiles its kernels; on failure everything is given back. */
export function bindPlan(description: PlanDescription, backend: Backend): Plan {
  const slots: BackendBuffer[] = [];
  const computed: BackendBuffer[] = [];
  const free = (list: BackendBuffer[]) => list.splice(0).forEach((b) => backend.free(b));
  try {
    const bound = bindCommands(description, backend, slots, computed);
    return { ...bound, free: () => free(slots), freeOutputs: () => free(computed) };
  } catch (error) {
    free(slots);
    free(computed);
    throw error;
  }
}

function bindCommands(
  description: PlanDescription,
  backend: Backend,
  slots: BackendBuffer[],
  computed: BackendBuffer[],
): Pick<Plan, "program" | "outputs" | "captured"> {
  const { outputs, assignments, kernels, slotOf, inPlace } = description;
  const buffers = new Map<Tensor, BackendBuffer>();
  const captured = new Set<Tensor>();
  const captive = (t: Tensor) => (captured.add(t), deviceBuffer(t, backend));
  const take = (list: BackendBuffer[], bytes: number, owner: Tensor) => {
    const buffer = backend.allocate(bytes, owner);
    list.push(buffer);
    return buffer;
  };
  // A shared buffer is named after the first tensor that is as long as the buffer
  const owners = new Map<number, Tensor>();
  for (const [t, slot] of slotOf) {
    if (byteLength(t.dtype, t.size) === description.slots[slot] && !owners.has(slot)) owners.set(slot, t);
  }
  description.slots.forEach((bytes, slot) => take(slots, bytes, owners.get(slot)!));
  for (const [tensor, slot] of slotOf) buffers.set(tensor, slots[slot]);
  for (const [value, state] of inPlace) buffers.set(value, captive(state));
  for (const t of new Set(outputs)) {
    if (!isLeaf(t)) buffers.set(t, take(computed, byteLength(t.dtype, t.size), t));
  }
  const bufferOf = (t: Tensor) => buffers.get(t) ?? captive(t);

  const commands = kernels.flatMap((k) => k.kernel ? [dispatch(k, k.kernel, bufferOf, backend)] : copies(k, bufferOf));
  for (const { target: state, value } of assignments) {
    if (inPlace.get(value) === state) continue;
    const bytes = byteLength(state.dtype, state.size);
    commands.push({
      kind: "copy",
      source: bufferOf(value),
      sourceOffset: 0,
      target: captive(state),
      targetOffset: 0,
      bytes,
    });
  }
  const program = backend.prepare(commands);
  return { program, outputs: outputs.map(bufferOf), captured: [...captured] };
}

function dispatch(
  k: LoweredKernel,
  kernel: NonNullable<LoweredKernel["kernel"]>,
  bufferOf: (t: Tensor) => BackendBuffer,
  backend: Backend,
): Command {
  const bind = (t: Tensor, access: Access): Binding[] =>
    partsOf(byteLength(t.dtype, t.size), backend.limits.maxBindingBytes).map((part, _, all) => ({
      buffer: bufferOf(t),
      access,
      ...(all.length > 1 && part),
    }));
  const buffers = [
    ...k.reads.flatMap((t) => bind(t, t === k.inPlace ? "read_write" : "read")),
    ...(k.inPlace ? [] : bind(k.root, "read_write")),
  ];
  const pipeline = backend.compile(kernel, k.label, buffers.map((b) => b.access));
  return { kind: "dispatch", pipeline, buffers, ...("workgroups" in kernel && { workgroups: kernel.workgroups }) };
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
