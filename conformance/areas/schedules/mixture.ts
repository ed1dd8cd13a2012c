import { softmax, type Tensor, tensor } from "@dipp/tensor";

/** A mixture of Gaussians with covariances that are multiples of the identity. */
export interface Mixture {
  readonly weights: number[];
  readonly means: number[][];
  readonly stds: number[];
}

/**
 * The noise that the exact model of a mixture predicts.
 *
 * @param mixture The data.
 * @param x The noisy samples, `[B, D]`.
 * @param alphaBar How much of their variance is signal's, alpha², `[B]`.
 * @returns The noise in `x`, `[B, D]`.
 */
export function mixtureEps(mixture: Mixture, x: Tensor, alphaBar: Tensor): Tensor {
  const [count, dim] = [mixture.weights.length, x.shape[1]];
  const ab = alphaBar.reshape([-1, 1]);
  const means = tensor(mixture.means).reshape([1, count, dim]).mul(ab.sqrt().unsqueeze(2));
  const variance = ab.mul(tensor(mixture.stds).square().unsqueeze(0)).add(ab.neg().add(1));
  const toMean = means.sub(x.unsqueeze(1)); // [B, K, D]
  const logWeight = tensor(mixture.weights).log().unsqueeze(0)
    .sub(variance.log().mul(dim / 2)).sub(toMean.square().sum(2).div(variance.mul(2)));
  const share = softmax(logWeight, 1).div(variance); // [B, K]
  const score = toMean.mul(share.unsqueeze(2)).sum(1);
  return score.mul(ab.neg().add(1).sqrt()).neg();
}
