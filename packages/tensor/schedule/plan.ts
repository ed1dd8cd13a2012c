/** Binds the description of a plan to buffers and pipelines. */
import type { Access, Backend, BackendBuffer, Binding, Command, Program } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { deviceBuffer } from "../runtime/storage.ts";
import type { Tensor } from "../tensor.ts";
import type { PlanDescription } from "./describe.ts";
import { isLeaf } from "./group.ts";
import type { LoweredKernel } from "./lower.ts";
import { partsOf } from "./parts.ts";
import { gapsOf, offsetsIn } from "./place.ts";

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
  const { outputs, assignments, kernels, slotOf, placeOf, inPlace } = description;
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
  // What lies between the parts of packed vectors is written once
  const gapped = kernels.map((k) => k.root).filter((t) => gapsOf(t) !== undefined);
  new Set(gapped.map((t) => buffers.get(t)!)).forEach((buffer) => clear(buffer, backend));
  const bufferOf = (t: Tensor) => buffers.get(t) ?? captive(t);
  const rangeOf = (t: Tensor): Range => {
    const place = placeOf.get(t);
    if (!place) return { buffer: bufferOf(t), offset: 0 };
    return { buffer: bufferOf(place.whole), offset: place.offset, isPart: true };
  };

  const commands = kernels.flatMap((k) =>
    k.kernel ? [dispatch(k, k.kernel, rangeOf, backend)] : copies(k, rangeOf, (t) => placeOf.get(t)?.whole === k.root)
  );
  for (const { target: state, value } of assignments) {
    if (inPlace.get(value) === state) continue;
    const bytes = byteLength(state.dtype, state.size);
    const { buffer, offset } = rangeOf(value);
    commands.push({
      kind: "copy",
      source: buffer,
      sourceOffset: offset,
      target: captive(state),
      targetOffset: 0,
      bytes,
    });
  }
  const program = backend.prepare(commands);
  return { program, outputs: outputs.map(bufferOf), captured: [...captured] };
}

/** Bytes of zeros that are uploaded at once. */
const CLEARED_BYTES = 2 ** 24;

function clear(buffer: BackendBuffer, backend: Backend): void {
  const zeros = new Uint8Array(Math.min(buffer.bytes, CLEARED_BYTES));
  for (let at = 0; at < buffer.bytes; at += zeros.length) {
    backend.upload(buffer, zeros.subarray(0, buffer.bytes - at), at);
  }
}

/** Where a tensor lies. */
interface Range {
  readonly buffer: BackendBuffer;
  /** Its first byte. */
  readonly offset: number;
  /** Whether other tensors lie in the same buffer. */
  readonly isPart?: boolean;
}

function dispatch(
  k: LoweredKernel,
  kernel: NonNullable<LoweredKernel["kernel"]>,
  rangeOf: (t: Tensor) => Range,
  backend: Backend,
): Command {
  const bind = (t: Tensor, access: Access): Binding[] => {
    const bytes = byteLength(t.dtype, t.size);
    const { buffer, offset, isPart } = rangeOf(t);
    const parts = partsOf(bytes, backend.limits.maxBindingBytes);
    if (parts.length === 1 && !isPart) return [{ buffer, access }];
    return parts.map((part) => ({ buffer, access, offset: offset + part.offset, bytes: part.bytes }));
  };
  const buffers = [
    ...k.reads.flatMap((t) => bind(t, t === k.inPlace ? "read_write" : "read")),
    ...(k.inPlace ? [] : bind(k.root, "read_write")),
  ];
  const pipeline = backend.compile(kernel, k.label, buffers.map((b) => b.access));
  return { kind: "dispatch", pipeline, buffers, ...("workgroups" in kernel && { workgroups: kernel.workgroups }) };
}

/** The copies that fill a packed vector, but for what `isThere`. */
function copies(k: LoweredKernel, rangeOf: (t: Tensor) => Range, isThere: (t: Tensor) => boolean): Command[] {
  const target = rangeOf(k.root).buffer;
  const offsets = offsetsIn(k.root);
  return k.reads.flatMap((t, i) => {
    if (isThere(t)) return [];
    const { buffer: source, offset: sourceOffset } = rangeOf(t);
    const bytes = byteLength(t.dtype, t.size);
    return [{ kind: "copy", source, sourceOffset, target, targetOffset: offsets[i], bytes }];
  });
}
