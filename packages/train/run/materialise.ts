/** What makes state of expressions. */
import type { Params } from "@dipp/nn";
import { type DType, placeholder, type Tensor, treeMap } from "@dipp/tensor";

/** Gives a tree its own tensors, on the device or only in name. */
export type Materialise = <P extends Params>(tree: P) => Promise<P>;

/**
 * The same shapes without elements: for plans, which take no memory.
 *
 * @param tree Parameters or state, which may be expressions.
 * @param dtype Their element type; by default each one's own.
 * @returns A tree of placeholders.
 */
export function placeholders<P extends Params>(tree: P, dtype?: DType): Promise<P> {
  return Promise.resolve(
    treeMap<Tensor, Tensor>(tree, (leaf) => placeholder(leaf.shape, dtype ?? leaf.dtype)) as P,
  );
}
