/** A state from a checkpoint. */
import { assignTree, loadParams, type Params } from "@dipp/nn";
import type { SafetensorsEntry } from "@dipp/nn";
import { realize } from "@dipp/tensor";

/**
 * Puts a checkpoint's values into a state, bit for bit.
 *
 * @param state Computed tensors, which are written over.
 * @param tensors The checkpoint's tensors by name.
 * @throws {RangeError} If a tensor is missing, too many, or of another shape.
 */
export async function restore(
  state: Params,
  tensors: ReadonlyMap<string, SafetensorsEntry>,
): Promise<void> {
  assignTree(state, loadParams(state, tensors));
  await realize();
}
