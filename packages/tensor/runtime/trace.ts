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
  const { result, assignments } = collectAssignments(() => fn(tree));
  return { inputs: placeholders, outputTree: result, outputs: treeLeaves<Tensor>(result), assignments };
}
