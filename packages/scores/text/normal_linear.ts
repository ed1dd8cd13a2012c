import { type LinearParams, normal } from "@dipp/nn";
import { type Tensor, zeros } from "@dipp/tensor";

/**
 * A linear layer as text encoders start: weight from N(0, std²), bias 0.
 *
 * @param key The random key.
 * @param shape Width of the output, then of the input.
 * @param std Standard deviation.
 * @param bias Whether there is one.
 * @returns The parameters.
 */
export function normalLinear(key: Tensor, shape: [number, number], std: number, bias = true): LinearParams {
  const weight = normal(key, shape, std);
  return bias ? { weight, bias: zeros([shape[0]]) } : { weight };
}
