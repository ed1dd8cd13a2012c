import { grad, type Tensor } from "@dipp/tensor";
import type { NoisedBatch } from "./noised_batch.ts";
import type { NeededModel } from "./objective.ts";
import { meanPerSample, sumPerSample } from "./per_sample.ts";

/** What a term contributes, per sample: the batch mean is taken once, where terms are added up. */
export interface TermResult {
  /** The term's loss of each sample, `[B]`. */
  readonly value: Tensor;
  /** The gradient of that loss on the sample, shaped like x0. */
  readonly field: Tensor;
}

/**
 * One summand of an objective, as a gradient field on the generator's samples. Whatever an objective is made of
 * (divergence, guidance, reward, regulariser) is added by adding terms.
 */
export interface Term {
  /** Name in the log: `loss/NAME`, `field_norm/NAME`. */
  readonly name: string;
  /** What it does: keep to the teacher, please the reward, or neither. */
  readonly role: "divergence" | "reward" | "regulariser";
  /** The models that it consults. */
  readonly needs: readonly NeededModel[];
  /** Evaluates the term. Gradients are cut where terms are added up, so a term need not. */
  evaluate(batch: NoisedBatch): TermResult;
}

/**
 * A term given by its loss: the field is the loss's gradient on x0, through every network that the loss asks at x_t.
 * Only x0 is differentiated, so the networks' weights stay as they are.
 *
 * @param batch where the loss was computed
 * @param value the loss of each sample, `[B]`
 * @returns loss and gradient
 */
export function lossTerm(batch: NoisedBatch, value: Tensor): TermResult {
  return { value, field: grad(value.sum(), [batch.x0])[0] };
}

/**
 * A term given by its field g, as most codes write it: the loss `1/2 |x0 - SG[x0 - g]|^2`, whose value is `1/2 |g|^2`
 * and whose gradient is g.
 *
 * @param g the field, shaped like x0
 * @param reduction `sum` over channels and pixels, or `mean`
 * @returns loss and gradient
 */
export function fieldTerm(g: Tensor, reduction: "sum" | "mean"): TermResult {
  const half = g.square().mul(0.5);
  if (reduction === "sum") return { value: sumPerSample(half), field: g };
  return { value: meanPerSample(half), field: g.mul(g.shape[0] / g.size) };
}
