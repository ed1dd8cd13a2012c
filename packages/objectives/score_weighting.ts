import type { Tensor } from "@dipp/tensor";
import type { Prediction } from "@dipp/scores";
import type { NoisedBatch } from "./noised_batch.ts";
import { type NoiseWeight, noiseWeight } from "./noise_weight.ts";
import { perSample, sumPerSample } from "./per_sample.ts";
import type { TermResult } from "./term.ts";

/** What a difference of scores is multiplied with. */
export interface ScoreWeighting {
  /** w(t). */
  readonly weight: NoiseWeight;
  /** `dmd`: each sample's field is divided by mean |x0 - x0_teacher| (DMD, arXiv 2311.18828, equation 8). */
  readonly normalization: "none" | "dmd";
  /** `sum` over channels and pixels (Diff-Instruct's code) or `mean` (DMD2's). */
  readonly reduction: "sum" | "mean";
}

/** The factor itself, `[B]`. */
function scoreScale(batch: NoisedBatch, { weight, normalization, reduction }: ScoreWeighting): Tensor {
  let scale = noiseWeight(weight, batch.level);
  if (reduction === "mean") scale = scale.mul(batch.x0.shape[0] / batch.x0.size);
  return normalization === "dmd" ? scale.div(batch.distance(1e-8)) : scale;
}

/**
 * The term `scale <SG[s_a - s_b], x_t>`: its field on x0 is `scale alpha_t (s_a - s_b)`, and no gradient passes through
 * the networks. Noises are subtracted and not scores, `s_a - s_b = (eps_b - eps_a) / sigma`: at small sigma both scores
 * are huge and nearly equal.
 *
 * @param batch where the predictions were made
 * @param a the scores to move away from
 * @param b the scores to move towards
 * @param weighting w(t), normalisation, reduction
 * @param factor a constant on top
 * @returns value and field
 */
export function scoreDifferenceTerm(
  batch: NoisedBatch,
  a: Prediction,
  b: Prediction,
  weighting: ScoreWeighting,
  factor = 1,
): TermResult {
  const difference = b.eps.sub(a.eps);
  const scaled = difference.mul(perSample(scoreScale(batch, weighting).div(batch.level.sigma), difference));
  const onXt = factor === 1 ? scaled : scaled.mul(factor);
  return { value: sumPerSample(onXt.mul(batch.xt)), field: onXt.mul(perSample(batch.level.alpha, onXt)) };
}
