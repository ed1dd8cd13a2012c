/** Shows the plan of a graph without running it. */
import { describePlan, type PlanDescription, targetOf } from "../schedule/describe.ts";
import {
  type KernelFacts,
  kernelFacts,
  type MemoryFacts,
  memoryFacts,
  type PlanTotals,
  planTotals,
} from "../schedule/explanation.ts";
import { planTable } from "../schedule/plan_table.ts";
import { isLeaf } from "../schedule/group.ts";
import { Tensor } from "../tensor.ts";
import type { Tree } from "../tree.ts";
import { pendingAssignments } from "./assign.ts";
import { startedBackend } from "./device.ts";
import { trace } from "./trace.ts";

/** A plan to look at: its kernels in order, its sums and its memory. Printed, it is a table. */
export class Explanation {
  /** What runs, in order. */
  readonly kernels: readonly KernelFacts[];
  /** Sums over the kernels. */
  readonly totals: PlanTotals;
  /** What it needs of memory. */
  readonly memory: MemoryFacts;

  /**
   * Looks a plan over.
   *
   * @param plan A plan.
   * @param extra Tensors that need a buffer beside those of the plan.
   */
  constructor(plan: PlanDescription, extra: readonly Tensor[] = []) {
    this.kernels = kernelFacts(plan);
    this.totals = planTotals(plan, this.kernels);
    this.memory = memoryFacts(plan, extra);
  }

  /** The table. */
  toString(): string {
    return planTable(this.kernels, this.totals, this.memory);
  }
}

/**
 * The plan that `realize(...tensors)` would carry out now, pending `assign`s included, without carrying it out: which
 * kernels, what is fused into each, its floating-point operations and bytes, and the memory that all of it needs.
 *
 * @param tensors What to compute.
 * @returns The plan; printed, it is a table.
 * @throws {TypeError} Before `init()`: plans depend on the device.
 *
 * @example
 * ```ts
 * import { explain, gelu, init, linear, ones } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * await init();
 * const plan = explain(gelu(linear(await ones([8, 4]).mul(2).realize(), await ones([16, 4]).mul(1).realize())));
 * assertEquals(plan.kernels.map((k) => k.fused), [["matmul", "gelu"]]);
 * assertEquals(plan.totals.flops, 2 * 8 * 4 * 16 + 8 * 16);
 * console.log(`${plan}`);
 * ```
 */
export function explain(...tensors: Tensor[]): Explanation;
/**
 * The plan that `compile(fn)(inputs)` would carry out. Tracing `fn` runs it once, on stand-ins; nothing is allocated or
 * computed, and its `assign`s do not happen.
 *
 * @param fn What would be passed to `compile`.
 * @param inputs Tensors of the shapes and dtypes to plan for; their elements do not matter.
 * @returns The plan.
 */
export function explain<In extends Tree<Tensor>>(fn: (inputs: In) => Tree<Tensor>, inputs: In): Explanation;
export function explain<In extends Tree<Tensor>>(
  ...args: Tensor[] | [(inputs: In) => Tree<Tensor>, In]
): Explanation {
  const target = targetOf(startedBackend());
  const [fn, inputs] = args;
  if (typeof fn === "function") {
    const { outputs, assignments } = trace(fn, inputs as In);
    // A compiled step keeps its own outputs and hands out copies
    return new Explanation(describePlan(outputs, assignments, target), outputs);
  }
  const tensors = [...new Set(args as Tensor[])];
  const bad = tensors.find((t) => !(t instanceof Tensor));
  if (bad !== undefined) throw new TypeError(`Cannot explain ${bad}: expected tensors, or a function and its inputs`);
  return new Explanation(describePlan(tensors.filter((t) => !isLeaf(t)), pendingAssignments(), target));
}
