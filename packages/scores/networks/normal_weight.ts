import type { LinearParams } from "@dipp/nn";
import { randn, type Tensor, zeros } from "@dipp/tensor";

/**
 * A linear layer as the embedders start: weight from N(0, 2 / (in + out)), bias
 * 0. PixArt draws from N(0, 0.02²), which is this at its width and too little
 * for a small network to hear its condition.
 *
 * @param key The random key.
 * @param inFeatures Width of the input.
 * @param outFeatures Width of the output.
 * @returns The parameters.
 */
export function normalWeight(
  key: Tensor,
  inFeatures: number,
  outFeatures: number,
): LinearParams {
  const std = Math.sqrt(2 / (inFeatures + outFeatures));
  return {
    weight: randn(key, [outFeatures, inFeatures]).mul(std),
    bias: zeros([outFeatures]),
  };
}
