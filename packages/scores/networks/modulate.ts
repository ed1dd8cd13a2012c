import type { Tensor } from "@dipp/tensor";

/**
 * `x (1 + scale) + shift`.
 *
 * @param x Normalised tokens, `[B, L, D]`.
 * @param shift `[B, 1, D]`.
 * @param scale `[B, 1, D]`.
 * @returns `[B, L, D]`.
 */
export function modulate(x: Tensor, shift: Tensor, scale: Tensor): Tensor {
  return x.mul(scale.add(1)).add(shift);
}
