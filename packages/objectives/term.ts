import type { Tensor } from "@dipp/tensor";
import type { NoisedBatch } from "./noised_batch.ts";

/** What a term contributes, per sample: the batch mean is taken once, where terms are added up. */
export interface TermResult {
  /** The term's loss of each sample, `[B]`, without gradient. */
  readonly value: Tensor;
  /** The gradient of that loss on the sample, shaped like x0, without gradient. */
  readonly field: Tensor;
}

/**
 * One summand of an objective, as a gradient field on the generator's samples. Reward and guidance are added to the
 * integral KL divergence by adding terms.
 */
export interface Term {
  /** Name in the log: `loss/NAME`, `field_norm/NAME`. */
  readonly name: string;
  /** Evaluates the term. */
  evaluate(batch: NoisedBatch): TermResult;
}
