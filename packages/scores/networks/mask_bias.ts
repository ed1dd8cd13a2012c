import type { Tensor } from "@dipp/tensor";

/**
 * What diffusers adds to the attention logits for a mask of the condition:
 * 0 where a token is kept, -10000 where not. Unlike -infinity it leaves a
 * fully masked row finite.
 *
 * @param mask `[B, L]`, true or 1 = keep.
 * @param weight What takes the place of 10000.
 * @returns `[B, L]` in f32.
 */
export function maskBias(mask: Tensor, weight = 10000): Tensor {
  return mask.cast("f32").sub(1).mul(weight);
}
