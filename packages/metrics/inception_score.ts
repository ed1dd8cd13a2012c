import { type FeatureRows, requireRows } from "./feature_rows.ts";

/** A score over several parts of a set. */
export interface InceptionScore {
  /** Mean over the parts. */
  readonly mean: number;
  /** Population standard deviation over the parts. */
  readonly std: number;
}

/** log softmax of a vector. */
function logProbabilities(logits: ArrayLike<number>): Float64Array {
  const largest = Array.from(logits).reduce((a, b) => Math.max(a, b), -Infinity);
  const total = Array.from(logits).reduce((sum, x) => sum + Math.exp(x - largest), 0);
  return Float64Array.from(logits, (x) => x - largest - Math.log(total));
}

/**
 * Inception Score (Salimans et al. 2016): exp of the mean divergence KL(p(y|x) || p(y)) of class probabilities from their
 * mean, over consecutive parts of the set, which is not shuffled.
 *
 * @param logits a classifier's logits, one row an image
 * @param splits number of parts; 10 is customary
 * @returns mean and spread over the parts
 * @throws {RangeError} when there are fewer rows than parts
 *
 * @example Two images of two classes, each certain
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { inceptionScore } from "@dipp/metrics";
 *
 * assertAlmostEquals(inceptionScore([[50, 0], [0, 50]], 1).mean, 2);
 * ```
 */
export function inceptionScore(logits: FeatureRows, splits = 10): InceptionScore {
  requireRows("inceptionScore", Math.max(1, splits), logits);
  const rows = logits.map(logProbabilities);
  const scores = Array.from({ length: splits }, (_, k) => {
    const part = rows.slice(Math.floor(k * rows.length / splits), Math.floor((k + 1) * rows.length / splits));
    const marginal = part[0].map((_, c) => part.reduce((sum, row) => sum + Math.exp(row[c]), 0) / part.length);
    const divergence = part.map((row) => row.reduce((sum, l, c) => sum + Math.exp(l) * (l - Math.log(marginal[c])), 0));
    return Math.exp(divergence.reduce((a, b) => a + b, 0) / part.length);
  });
  const mean = scores.reduce((a, b) => a + b, 0) / splits;
  return { mean, std: Math.sqrt(scores.reduce((sum, s) => sum + (s - mean) ** 2, 0) / splits) };
}
