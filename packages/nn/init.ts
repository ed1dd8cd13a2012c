/**
 * Random initial values of parameters, as PyTorch draws them.
 *
 * @module
 */

import { randn, type Tensor, uniform } from "@dipp/tensor";

/**
 * Draws a weight from U(-b, b) with b = sqrt(6 / ((1 + a^2) fanIn)). With the
 * default a = sqrt(5), b = 1 / sqrt(fanIn): PyTorch's default for Linear and
 * Conv2d weights and biases.
 *
 * Source: He et al., "Delving Deep into Rectifiers", arXiv 1502.01852, eq. 10;
 * `torch.nn.init.kaiming_uniform_`.
 *
 * @param key the random key
 * @param shape output features first
 * @param options `a`, the negative slope of the activation; `fanIn`, by
 * default the product of all axes but the first
 * @returns the expression of the values
 */
export function kaimingUniform(
  key: Tensor,
  shape: readonly number[],
  options: { readonly a?: number; readonly fanIn?: number } = {},
): Tensor {
  const { a = Math.sqrt(5), fanIn = product(shape.slice(1)) } = options;
  const bound = fanIn > 0 ? Math.sqrt(6 / ((1 + a * a) * fanIn)) : 0;
  return uniform(key, [...shape], -bound, bound);
}

/**
 * Draws a weight from U(-b, b) with b = gain sqrt(6 / (fanIn + fanOut)).
 *
 * Source: Glorot and Bengio 2010, eq. 16; `torch.nn.init.xavier_uniform_`.
 *
 * @param key the random key
 * @param shape [out, in, ...kernel]
 * @param gain what scales the bound
 * @returns the expression of the values
 */
export function xavierUniform(
  key: Tensor,
  shape: readonly number[],
  gain = 1,
): Tensor {
  const [out, fanIn = 1, ...kernel] = shape;
  const bound = gain * Math.sqrt(6 / ((out + fanIn) * product(kernel)));
  return uniform(key, [...shape], -bound, bound);
}

/**
 * Draws from the normal distribution.
 *
 * @param key the random key
 * @param shape the shape
 * @param std the standard deviation
 * @param mean the mean
 * @returns the expression of the values
 */
export function normal(
  key: Tensor,
  shape: readonly number[],
  std = 1,
  mean = 0,
): Tensor {
  const x = randn(key, [...shape]);
  const scaled = std === 1 ? x : x.mul(std);
  return mean === 0 ? scaled : scaled.add(mean);
}

function product(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a * b, 1);
}
