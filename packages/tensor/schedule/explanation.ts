/** A plan as a value that can be looked at: what runs, what it costs, where everything lies. */
import { isRecomputed } from "../autodiff.ts";
import { byteLength, type DType } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { PlanDescription } from "./describe.ts";
import { isLeaf } from "./group.ts";
import { kernelCost } from "./kernel_cost.ts";
import type { LoweredKernel } from "./lower.ts";
import { leastBytes } from "./memory.ts";

/** A tensor that a kernel reads or writes. */
export interface TensorFacts {
  /** Lengths of its axes. */
  readonly shape: Shape;
  /** Its element type. */
  readonly dtype: DType;
  /** Bytes that the kernel moves of it; of what it sees through views, only that. */
  readonly bytes: number;
}

/** One kernel of a plan, or one copy of several tensors into one. */
export interface KernelFacts {
  /** The operation that it ends with, the one that it is built around, and the shape of what it writes. */
  readonly label: string;
  /** What it is built around: "elementwise", "reduce", "matmul", "conv2d"; "concat" is a copy. */
  readonly kind: string;
  /** Names of the operations computed inside it, inputs before their readers; views are left out. */
  readonly fused: readonly string[];
  /** What it reads. */
  readonly inputs: readonly TensorFacts[];
  /** What it writes. */
  readonly output: TensorFacts;
  /** Floating-point operations: two for each multiply-add, one for each elementwise operation and element. */
  readonly flops: number;
  /** Commands that the device runs for it: one, or one copy for each tensor that is not computed in its place. */
  readonly commands: number;
  /** Where it writes: the number of a shared buffer, an output's buffer, or the state that it replaces. */
  readonly buffer: number | "output" | "state";
  /** Whether it overwrites state that it reads. */
  readonly inPlace: boolean;
  /** Whether it computes again what `checkpoint` did not keep. */
  readonly recomputed: boolean;
}

/** Memory that a plan needs, in bytes asked for; the device rounds each buffer up by at most an eighth or 256 bytes. */
export interface MemoryFacts {
  /** Lengths of the buffers of given tensors: parameters, state, inputs. */
  readonly given: readonly number[];
  /** Lengths of the buffers of outputs. */
  readonly outputs: readonly number[];
  /** Lengths of the buffers that intermediates share. */
  readonly shared: readonly number[];
  /** Bytes of all intermediates, were none shared. */
  readonly unshared: number;
  /** Bytes of the intermediates alive when most are: no plan with this order of kernels needs less. */
  readonly least: number;
  /** Bytes of all buffers together: the most that the step needs at once. */
  readonly peak: number;
}

/** Sums over a plan. */
export interface PlanTotals {
  /** Kernels that the device runs. */
  readonly dispatches: number;
  /** Copies between buffers: packing, and new values of state that could not be written in place. */
  readonly copies: number;
  /** Floating-point operations. */
  readonly flops: number;
  /** Those of them that compute something again for `checkpoint`. */
  readonly recomputedFlops: number;
  /** Bytes read and written by all kernels and copies. */
  readonly bytesMoved: number;
}

/** The facts of a plan's kernels. */
export function kernelFacts(plan: PlanDescription): KernelFacts[] {
  const roots = new Set(plan.kernels.map((k) => k.root));
  const stored = (t: Tensor) => isLeaf(t) || roots.has(t);
  return plan.kernels.map((k) => {
    const { nodes, flops, bytesRead, bytesWritten } = kernelCost(k, stored);
    const copied = (t: Tensor) => plan.placeOf.get(t)?.whole !== k.root;
    const facts = (t: Tensor, bytes: number) => ({ shape: t.shape, dtype: t.dtype, bytes });
    return {
      label: k.label,
      kind: kindOf(k),
      fused: nodes.filter(({ primitive: p }) => !(p.kind === "inline" && p.view)).map((t) =>
        t === k.core && k.arithmetic ? `${t.primitive.name} in ${k.arithmetic}` : t.primitive.name
      ),
      inputs: [...bytesRead].map(([t, bytes]) => facts(t, copied(t) ? bytes : 0)),
      output: facts(
        k.root,
        k.kernel ? bytesWritten : sum(k.reads.map((t) => copied(t) ? byteLength(t.dtype, t.size) : 0)),
      ),
      flops,
      commands: k.kernel ? 1 : k.reads.filter(copied).length,
      buffer: plan.inPlace.has(k.root)
        ? "state"
        : plan.slotOf.get(plan.placeOf.get(k.root)?.whole ?? k.root) ?? "output",
      inPlace: plan.inPlace.has(k.root),
      recomputed: isRecomputed(k.root) || k.core !== undefined && isRecomputed(k.core),
    };
  });
}

function kindOf({ core }: LoweredKernel): string {
  return core?.primitive.kind ?? "elementwise";
}

/** The memory that a plan needs; `extra` are buffers beside those of the plan itself. */
export function memoryFacts(plan: PlanDescription, extra: readonly Tensor[]): MemoryFacts {
  const length = (t: Tensor) => byteLength(t.dtype, t.size);
  const given = new Set(
    [
      ...plan.kernels.flatMap((k) => k.reads),
      ...plan.assignments.flatMap((a) => [a.target, a.value]),
      ...plan.outputs,
    ].filter(isLeaf),
  );
  const computed = [...new Set(plan.outputs)].filter((t) => !isLeaf(t));
  const memory = {
    given: [...given].map(length),
    outputs: [...computed, ...extra].map(length),
    shared: plan.slots,
  };
  const lifetimes = [...plan.lifetimes.values()];
  return {
    ...memory,
    unshared: sum(lifetimes.map((l) => l.bytes)),
    least: leastBytes(lifetimes),
    peak: sum([...memory.given, ...memory.outputs, ...memory.shared]),
  };
}

/** The sums over a plan. */
export function planTotals(plan: PlanDescription, kernels: readonly KernelFacts[]): PlanTotals {
  const updates = plan.assignments.filter((a) => plan.inPlace.get(a.value) !== a.target);
  const moved = kernels.map((k) => sum(k.inputs.map((t) => t.bytes)) + k.output.bytes);
  const copied = updates.map(({ target: t }) => 2 * byteLength(t.dtype, t.size));
  const isCopy = (k: KernelFacts) => k.kind === "concat";
  return {
    dispatches: kernels.filter((k) => !isCopy(k)).length,
    copies: sum(kernels.filter(isCopy).map((k) => k.commands)) + updates.length,
    flops: sum(kernels.map((k) => k.flops)),
    recomputedFlops: sum(kernels.filter((k) => k.recomputed).map((k) => k.flops)),
    bytesMoved: sum([...moved, ...copied]),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
