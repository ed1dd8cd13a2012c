/** Softmax and the normalisation layers' formulas. */
import { normalizeAxis, sizeOf } from "../shape.ts";
import { stopGradient, withVjp } from "../autodiff.ts";
import type { Tensor } from "../tensor.ts";

/** log(sum(exp(x))) over an axis, without overflow. */
export function logsumexp(
  x: Tensor,
  axis: number | readonly number[] | undefined = undefined,
  keepdim = false,
): Tensor {
  const top = stopGradient(x.max(axis, true));
  const total = x.sub(top).exp().sum(axis, keepdim).log();
  return total.add(top.reshape(total.shape));
}

/** exp(x) / sum(exp(x)) along an axis. */
export function softmax(x: Tensor, axis = -1): Tensor {
  // The shift cancels, so no gradient needs to flow through the maximum
  const e = x.sub(stopGradient(x.max(axis, true))).exp();
  return e.div(e.sum(axis, true));
}

/** Logarithm of the softmax along an axis. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const shifted = x.sub(stopGradient(x.max(axis, true)));
  return shifted.sub(shifted.exp().sum(axis, true).log());
}

/** Scale, shift and stabiliser of a normalisation. */
export interface NormOptions {
  /** Scale. */
  readonly weight?: Tensor | undefined;
  /** Shift. */
  readonly bias?: Tensor | undefined;
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
}

/** Zero mean and unit variance over axes; the gradient in its usual form, which reads each operand once. */
function standardize(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const centered = x.sub(x.mean(axes, true));
  const inverse = centered.square().mean(axes, true).add(eps).rsqrt();
  return withVjp(centered.mul(inverse), "standardize", [x], (g, y) => {
    const along = y.mul(g.mul(y).mean(axes, true));
    return [g.sub(g.mean(axes, true)).sub(along).mul(inverse)];
  });
}

/**
 * Layer normalisation over the trailing `axes` axes (1 by default), biased variance.
 *
 * @param x [..., C].
 * @param options weight and bias of the normalised shape.
 */
export function layerNorm(
  x: Tensor,
  options: NormOptions & { readonly axes?: number } = {},
): Tensor {
  const { weight, bias, eps = 1e-5, axes = 1 } = options;
  let y = standardize(x, Array.from({ length: axes }, (_, i) => i - axes), eps);
  if (weight) y = y.mul(weight);
  return bias ? y.add(bias) : y;
}

/**
 * Group normalisation of [N, C, ...], biased variance.
 *
 * @param x [N, C, ...].
 * @param groups Number of groups that C divides into.
 * @param options weight and bias of shape [C].
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  options: NormOptions = {},
): Tensor {
  const [n, c] = x.shape;
  if (c % groups !== 0) {
    throw new RangeError(
      `Cannot normalise ${c} channels in ${groups} groups: expected a divisor of ${c}`,
    );
  }
  const { weight, bias, eps = 1e-5 } = options;
  let y = standardize(x.reshape([n, groups, sizeOf(x.shape.slice(1)) / groups]), [2], eps).reshape(x.shape);
  const perChannel = [c, ...x.shape.slice(2).map(() => 1)];
  if (weight) y = y.mul(weight.reshape(perChannel));
  return bias ? y.add(bias.reshape(perChannel)) : y;
}

/** Division by the root mean square of the last axis (T5's layer norm). */
export function rmsNorm(x: Tensor, options: NormOptions = {}): Tensor {
  const y = x.mul(x.square().mean(-1, true).add(options.eps ?? 1e-6).rsqrt());
  return options.weight ? y.mul(options.weight) : y;
}

/** Division by max(Euclidean norm along an axis, eps). */
export function l2Normalize(x: Tensor, axis = -1, eps = 1e-12): Tensor {
  const at = normalizeAxis(axis, x.ndim, "l2Normalize");
  return x.div(x.norm(2, at, true).maximum(eps));
}
