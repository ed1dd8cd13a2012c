/** A complete recipe for one graph: ordered kernels, updates of state, buffers. */
import type { Kernel } from "@dipp/kernels";
import type { Backend, BackendBuffer, Binding, Command, Program } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { deviceBuffer } from "../runtime/storage.ts";
import type { Tensor } from "../tensor.ts";
import { isLeaf } from "./group.ts";
import { variable } from "./index_expression.ts";
import { lower, type LoweredKernel } from "./lower.ts";
import { planMemory } from "./memory.ts";
import { schedule } from "./schedule.ts";

/** An update of state: after the plan ran, `target` holds what `value` was. */
export interface Assignment {
  readonly target: Tensor;
  readonly value: Tensor;
}

/** A plan bound to buffers, ready to be submitted any number of times. */
export interface Plan {
  readonly program: Program;
  /** Buffer of each computed output, in the order asked for. */
  readonly outputs: readonly BackendBuffer[];
  /** Kernels in order, for `explain`. */
  readonly kernels: readonly LoweredKernel[];
  /** Bytes of shared intermediate buffers. */
  readonly intermediateBytes: number;
  /** Frees the intermediates; the outputs stay with the caller. */
  free(): void;
}

/** Moves the kernels that nothing in the plan waits for to the end, so that they may overwrite what others read. */
function updatesLast(
  kernels: readonly LoweredKernel[],
  values: ReadonlySet<Tensor>,
): LoweredKernel[] {
  const read = new Set(kernels.flatMap((k) => k.reads));
  const isUpdate = (k: LoweredKernel) => values.has(k.root) && !read.has(k.root);
  return [...kernels.filter((k) => !isUpdate(k)), ...kernels.filter(isUpdate)];
}

/** Builds the plan that computes `outputs` and carries out `assignments`. */
export function buildPlan(
  outputs: readonly Tensor[],
  assignments: readonly Assignment[],
  backend: Backend,
): Plan {
  const target = {
    kind: backend.adapterClass === "software" ? "software" as const : "gpu" as const,
    maxBuffers: backend.limits.maxBuffersPerKernel,
    subgroup: backend.subgroupSize,
  };
  const values = new Map(
    assignments.filter((a) => !isLeaf(a.value)).map((a) => [a.value, a.target]),
  );
  const wanted = [
    ...new Set([...outputs.filter((t) => !isLeaf(t)), ...values.keys()]),
  ];
  const kernels = updatesLast(schedule(wanted, target), new Set(values.keys()));
  const position = new Map(kernels.map((k, at) => [k.root, at]));
  const lastRead = new Map<Tensor, number>();
  kernels.forEach((k, at) => k.reads.forEach((t) => lastRead.set(t, at)));

  // A new value is written straight over the old one where nobody reads the old one later
  const inPlace = new Map<Tensor, Tensor>();
  const stored = (t: Tensor) => isLeaf(t) || position.has(t);
  kernels.forEach((kernel, at) => {
    const state = values.get(kernel.root);
    if (
      !state || outputs.includes(kernel.root) ||
      state.dtype !== kernel.root.dtype
    ) return;
    if ((lastRead.get(state) ?? -1) > at) return;
    const reads = kernel.positions.get(state);
    const element = variable("i", kernel.root.size).key;
    if (!kernel.kernel || reads && [...reads].some((p) => p !== element)) return;
    inPlace.set(kernel.root, state);
    if (!reads) return;
    const { core } = kernel;
    kernels[at] = lower(
      kernel.root,
      core,
      (t) => t !== core && stored(t),
      target,
      state,
    );
  });

  const buffers = new Map<Tensor, BackendBuffer>();
  const owned: BackendBuffer[] = [];
  const allocate = (bytes: number) => {
    const buffer = backend.allocate(bytes);
    owned.push(buffer);
    return buffer;
  };
  const outputSet = new Set(outputs);
  const intermediates = kernels.map((k) => k.root).filter((t) => !outputSet.has(t) && !inPlace.has(t));
  const memory = planMemory(intermediates.map((t) => ({
    first: position.get(t)!,
    // A value that is copied into state at the end lives until then
    last: values.has(t) ? kernels.length : lastRead.get(t) ?? position.get(t)!,
    bytes: byteLength(t.dtype, t.size),
  })));
  const slots = memory.slots.map(allocate);
  intermediates.forEach((t, i) => buffers.set(t, slots[memory.slotOf[i]]));
  for (const [value, state] of inPlace) {
    buffers.set(value, deviceBuffer(state, backend));
  }
  for (const t of outputSet) {
    if (!isLeaf(t)) {
      buffers.set(t, backend.allocate(byteLength(t.dtype, t.size)));
    }
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
    kernels,
    intermediateBytes: memory.slots.reduce((a, b) => a + b, 0),
    free: () => owned.forEach((b) => backend.free(b)),
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
