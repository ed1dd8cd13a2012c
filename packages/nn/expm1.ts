// e^x - 1 without the cancellation near zero, for x <= 0.

import { type Tensor, where } from "@dipp/tensor";

/**
 * Computes e^x - 1 for x <= 0 to float32 accuracy: by its Taylor series where
 * e^x is close to 1, directly elsewhere.
 */
export function expm1(x: Tensor): Tensor {
  // 0.5^9 / 10! is far below the rounding error, so nine terms are enough.
  let series = x.mul(1 / 9).add(1);
  for (let n = 8; n >= 2; n--) series = series.mul(x).mul(1 / n).add(1);
  return where(x.gt(-0.5), series.mul(x), x.exp().sub(1));
}

/**
 * Computes 1 - beta^t for a step count t >= 1 held in a tensor.
 *
 * The direct formula is off by 1e-5 at t = 1 and beta = 0.999, since float32
 * cannot hold 0.999 any better; the logarithm of beta is taken in float64 here.
 */
export function oneMinusPower(beta: number, t: Tensor): Tensor | number {
  if (beta === 0) return 1;
  return expm1(t.cast("f32").mul(Math.log(beta))).neg();
}
