/**
 * The affine map y = x W^T + b of `torch.nn.Linear`.
 *
 * @module
 */

import { fold, linear, type Tensor } from "@dipp/tensor";
import { kaimingUniform } from "./init.ts";

/** The parameters of a linear layer. */
export type LinearParams = {
  /** [out, in]. */
  weight: Tensor;
  /** [out]. */
  bias?: Tensor;
  /** The way down of a low-rank update, [rank, in]; see {@linkcode withLora}. */
  lora_A?: { weight: Tensor };
  /** The way up, [out, rank]. */
  lora_B?: { weight: Tensor };
};

/**
 * Draws the parameters with PyTorch's default initialisation.
 *
 * @param key the random key
 * @param inFeatures the size of the last axis of the input
 * @param outFeatures the size of the last axis of the output
 * @param options `bias`: whether there is one, by default true
 * @returns the parameters
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linear } from "@dipp/nn";
 * import { key, ones } from "@dipp/tensor";
 *
 * const params = linear.init(key(0), 3, 8);
 * assertEquals(linear.apply(params, ones([2, 5, 3])).shape, [2, 5, 8]);
 * ```
 */
export function init(
  key: Tensor,
  inFeatures: number,
  outFeatures: number,
  options: { readonly bias?: boolean } = {},
): LinearParams {
  const weight = kaimingUniform(fold(key, 0), [outFeatures, inFeatures]);
  if (options.bias === false) return { weight };
  return {
    weight,
    bias: kaimingUniform(fold(key, 1), [outFeatures], { fanIn: inFeatures }),
  };
}

/**
 * Applies the layer, with its low-rank update where it has one. A weight of 16 bits has the input and the product
 * rounded to its dtype, and so their gradients.
 *
 * @param params the parameters
 * @param x [..., in]
 * @returns [..., out], of the input's dtype or wider
 */
export function apply({ weight, bias, lora_A, lora_B }: LinearParams, x: Tensor): Tensor {
  const y = linear(x.cast(weight.dtype), weight);
  const wide = x.dtype === "f32" ? y.cast("f32") : y;
  const whole = lora_A && lora_B ? wide.add(apply(lora_B, apply(lora_A, x)).cast(wide.dtype)) : wide;
  return bias ? whole.add(bias) : whole;
}
