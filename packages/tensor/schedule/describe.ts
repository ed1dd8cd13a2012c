/**
 * What a graph takes to compute: ordered kernels, updates of state, and where everything lies. Pure: it allocates and
 * compiles nothing, so that a step can be judged before it runs.
 */
import type { Backend } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import { tuningOf } from "../runtime/tuning.ts";
import type { Tensor } from "../tensor.ts";
import { isLeaf } from "./group.ts";
import { variable } from "./index_expression.ts";
import { lower, type LoweredKernel, type Target } from "./lower.ts";
import { type Lifetime, planMemory } from "./memory.ts";
import { orderForMemory } from "./order.ts";
import { gapsOf, type Place, placesInPacked } from "./place.ts";
import { schedule } from "./schedule.ts";

/** An update of state: after the plan ran, `target` holds what `value` was. */
export interface Assignment {
  readonly target: Tensor;
  readonly value: Tensor;
}

/** A plan before it is bound to buffers. */
export interface PlanDescription {
  /** What is asked for. */
  readonly outputs: readonly Tensor[];
  /** Updates of state. */
  readonly assignments: readonly Assignment[];
  /** Kernels in the order in which they run. */
  readonly kernels: readonly LoweredKernel[];
  /** For each intermediate, from which kernel to which it is needed. */
  readonly lifetimes: ReadonlyMap<Tensor, Lifetime>;
  /** For each intermediate, which of the shared buffers holds it. */
  readonly slotOf: ReadonlyMap<Tensor, number>;
  /** Lengths of the shared buffers in bytes. */
  readonly slots: readonly number[];
  /** For each intermediate that is computed as part of a packed vector, where in it. */
  readonly placeOf: ReadonlyMap<Tensor, Place>;
  /** New values that are written straight over the state that they replace, with that state. */
  readonly inPlace: ReadonlyMap<Tensor, Tensor>;
}

/** What a backend's kernels are specialised to. */
export function targetOf(backend: Backend): Target {
  return {
    wasm: backend.wasm,
    kind: backend.adapterClass === "software" || backend.adapterClass === "cpu" ? "software" : "gpu",
    maxBuffers: backend.limits.maxBuffersPerKernel,
    maxBufferBytes: backend.limits.maxBufferBytes,
    maxBindingBytes: backend.limits.maxBindingBytes,
    subgroup: backend.subgroupSize,
    hasF16: backend.features.has("shader-f16"),
    tuning: tuningOf(backend),
  };
}

/** Plans how to compute `outputs` and carry out `assignments`. */
export function describePlan(
  outputs: readonly Tensor[],
  updates: readonly Assignment[],
  target: Target,
): PlanDescription {
  // What has no elements needs memory at most, and no kernel
  const assignments = updates.filter((a) => a.target.size > 0);
  const values = new Map(
    assignments.filter((a) => !isLeaf(a.value)).map((a) => [a.value, a.target]),
  );
  const wanted = [
    ...new Set([...outputs.filter((t) => !isLeaf(t) && t.size > 0), ...values.keys()]),
  ];
  const kernels = orderForMemory(schedule(wanted, target), values, new Set(outputs));
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

  const outputSet = new Set(outputs);
  const isFree = (t: Tensor) => !outputSet.has(t) && !inPlace.has(t);
  const placeOf = placesInPacked(kernels, isFree);
  const intermediates = kernels.map((k) => k.root).filter((t) => isFree(t) && !placeOf.has(t));
  // A vector is there as soon as one of its parts is, and as long
  const begins = new Map(position);
  // A value that is copied into state at the end lives until then
  const ends = new Map(
    kernels.map(({ root }, at) => [root, values.has(root) ? kernels.length : lastRead.get(root) ?? at]),
  );
  for (const [t, { whole }] of placeOf) {
    begins.set(whole, Math.min(begins.get(whole)!, position.get(t)!));
    ends.set(whole, Math.max(ends.get(whole)!, ends.get(t)!));
  }
  const lifetimes = new Map(intermediates.map((t) => [t, {
    first: begins.get(t)!,
    last: ends.get(t)!,
    bytes: byteLength(t.dtype, t.size),
  }]));
  const { slots, slotOf } = shareMemory(lifetimes);
  return { outputs, assignments, kernels, lifetimes, slotOf, slots, placeOf, inPlace };
}

/** Shared buffers; vectors with zeros in them share only with those that have them in the same places. */
function shareMemory(lifetimes: ReadonlyMap<Tensor, Lifetime>): Pick<PlanDescription, "slots" | "slotOf"> {
  const slots: number[] = [];
  const slotOf = new Map<Tensor, number>();
  for (const alike of Map.groupBy(lifetimes, ([t]) => gapsOf(t)).values()) {
    const memory = planMemory(alike.map(([, lifetime]) => lifetime));
    alike.forEach(([t], i) => slotOf.set(t, slots.length + memory.slotOf[i]));
    slots.push(...memory.slots);
  }
  return { slots, slotOf };
}
