/** Runs a function of tensors on placeholders and keeps what it asks for; allocates nothing. */
import type { Assignment } from "../schedule/describe.ts";
import { Tensor } from "../tensor.ts";
import { type Tree, treeLeaves, treeMap } from "../tree.ts";
import { collectAssignments } from "./assign.ts";

/** What a function of tensors computes. */
export interface Traced<Out> {
  /** Stand-ins for the inputs, in the order of the tree; they have no memory yet. */
  readonly inputs: readonly Tensor[];
  /** What the function returned. */
  readonly outputTree: Out;
  /** The leaves of that tree. */
  readonly outputs: readonly Tensor[];
  /** The updates of state that it made. */
  readonly assignments: readonly Assignment[];
}

let depth = 0;

/** Throws if a function is being traced, when there are no elements to work on. */
export function refuseWhileTracing(what: string): void {
  if (depth === 0) return;
  throw new TypeError(
    `Cannot ${what} inside a function that is traced: there are no elements yet; return the tensor instead`,
  );
}

/** Traces `fn` for inputs of these shapes and dtypes. */
export function trace<In extends Tree<Tensor>, Out extends Tree<Tensor>>(
  fn: (inputs: In) => Out,
  inputs: In,
): Traced<Out> {
  const placeholders: Tensor[] = [];
  const tree = treeMap<Tensor, Tensor>(inputs, (t) => {
    const placeholder = new Tensor({ kind: "leaf", name: "input" }, [], t.shape, t.dtype, {});
    placeholders.push(placeholder);
    return placeholder;
  }) as In;
  depth++;
  try {
    const { result, assignments } = collectAssignments(() => fn(tree));
    if ((result as unknown) instanceof Promise) {
      (result as unknown as Promise<unknown>).catch(() => {});
      throw new TypeError("Cannot trace a function that returns a promise: expected a synchronous function of tensors");
    }
    return { inputs: placeholders, outputTree: result, outputs: treeLeaves<Tensor>(result), assignments };
  } finally {
    depth--;
  }
}
