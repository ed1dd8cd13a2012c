import type { Params } from "@dipp/nn";
import { checkpoint, type Tensor, treeLeaves, treeWithLeaves } from "@dipp/tensor";

/** Applies a block of a network to its parameters and an input. */
export type RunBlock = <P extends Params>(block: (params: P, x: Tensor) => Tensor, params: P, x: Tensor) => Tensor;

/**
 * How the blocks of a call are run: kept, or computed again in the backward pass, which then holds the intermediates of
 * one block at a time (Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv 1604.06174).
 *
 * @param again Whether to compute blocks again.
 * @returns What runs a block. Gradients reach the block's parameters and its input.
 */
export function blockRunner(again = false): RunBlock {
  if (!again) return (block, params, x) => block(params, x);
  return (block, params, x) =>
    checkpoint(
      (x, ...leaves) => block(treeWithLeaves(params, leaves) as typeof params, x),
      x,
      ...treeLeaves<Tensor>(params),
    );
}
