import type { Params } from "@dipp/nn";
import { checkpoint, type Tensor, treeLeaves, treeWithLeaves } from "@dipp/tensor";

/** A block of a network as a function of its parameters and of everything that gradients pass through. */
export type Block<P extends Params> = (params: P, ...inputs: Tensor[]) => Tensor;

/** Applies a block of a network to its parameters and inputs. */
export type RunBlock = <P extends Params>(block: Block<P>, params: P, ...inputs: Tensor[]) => Tensor;

/**
 * How the blocks of a call are run: kept, or computed again in the backward pass, which then holds the intermediates of
 * one block at a time (Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv 1604.06174).
 *
 * @param again Whether to compute blocks again.
 * @returns What runs a block. Gradients reach the block's parameters and its inputs, nothing that it uses beside them.
 */
export function blockRunner(again = false): RunBlock {
  if (!again) return (block, params, ...inputs) => block(params, ...inputs);
  return (block, params, ...inputs) =>
    checkpoint(
      (...all) => {
        const leaves = all.slice(inputs.length);
        return block(treeWithLeaves(params, leaves) as typeof params, ...all.slice(0, inputs.length));
      },
      ...inputs,
      ...treeLeaves<Tensor>(params),
    );
}
