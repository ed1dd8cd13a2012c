/** One bin of a {@linkcode PairCalibration}: pairs whose predicted winner is about equally likely to win. */
export interface ReliabilityBin {
  /** Least probability of the bin. */
  readonly low: number;
  /** Where the next bin begins. */
  readonly high: number;
  /** Pairs in it. */
  readonly count: number;
  /** Mean probability that the model gave its predicted winners; null for no pairs. */
  readonly confidence: number | null;
  /** The share of them that won, a tie being half a win; null for no pairs. */
  readonly accuracy: number | null;
}

/** How far a pairwise model's probabilities can be believed. */
export interface PairCalibration {
  /** Mean cross entropy in nats; log 2 = 0.693 for a coin. */
  readonly loss: number;
  /** The share of the decided pairs (no ties) that the model orders as they are; NaN for none. */
  readonly accuracy: number;
  /** Expected calibration error: mean over pairs of |accuracy - confidence| of the pair's bin. */
  readonly calibrationError: number;
  /** Bins of equal width from 1/2 to 1. */
  readonly reliability: readonly ReliabilityBin[];
}

/**
 * The calibration of the Bradley-Terry probability sigmoid(r_1 - r_2) on pairs with known outcomes. Which image of a pair
 * is the first means nothing, so each pair is looked at from its predicted winner, whose probability is at least 1/2:
 * of the pairs at 0.8 a calibrated model gets 80 % right. The expected calibration error is that of Guo et al. 2017
 * ("On calibration of modern neural networks", equation 3) over these bins.
 *
 * @param differences r_1 - r_2 of each pair
 * @param targets how the pair ended: 1 where the first won, 0 where the second did, 1/2 for a tie
 * @param bins number of bins
 * @returns loss, accuracy, calibration error and bins
 * @throws {RangeError} When there is no pair, a number is not finite or not in its range, or lengths differ
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { pairCalibration } from "@dipp/metrics";
 *
 * // Four times 75 %, and right three times
 * const sure = Math.log(3);
 * const { accuracy, calibrationError } = pairCalibration([sure, sure, sure, sure], [1, 1, 1, 0]);
 * assertAlmostEquals(accuracy, 0.75);
 * assertAlmostEquals(calibrationError, 0);
 * ```
 */
export function pairCalibration(
  differences: ArrayLike<number>,
  targets: ArrayLike<number>,
  bins = 10,
): PairCalibration {
  check(differences, targets, bins);
  const n = differences.length;
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, accuracy: 0 }));
  let loss = 0, decided = 0, right = 0;
  for (let i = 0; i < n; i++) {
    const d = Math.abs(differences[i]);
    // A difference of exactly 0 predicts no winner: half right
    const outcome = differences[i] > 0 ? targets[i] : differences[i] < 0 ? 1 - targets[i] : 0.5;
    const confidence = 1 / (1 + Math.exp(-d));
    loss += Math.log1p(Math.exp(-d)) + (1 - outcome) * d;
    if (targets[i] !== 0.5) {
      decided++;
      right += outcome;
    }
    const bin = sums[Math.min(bins - 1, Math.floor((confidence - 0.5) * 2 * bins))];
    bin.count++;
    bin.confidence += confidence;
    bin.accuracy += outcome;
  }
  return {
    loss: loss / n,
    accuracy: decided === 0 ? NaN : right / decided,
    calibrationError: sums.reduce((sum, bin) => sum + Math.abs(bin.accuracy - bin.confidence), 0) / n,
    reliability: sums.map(({ count, confidence, accuracy }, i) => ({
      low: 0.5 + i / (2 * bins),
      high: 0.5 + (i + 1) / (2 * bins),
      count,
      confidence: count === 0 ? null : confidence / count,
      accuracy: count === 0 ? null : accuracy / count,
    })),
  };
}

function check(differences: ArrayLike<number>, targets: ArrayLike<number>, bins: number): void {
  if (!Number.isInteger(bins) || bins < 1) {
    throw new RangeError(`pairCalibration: bins is ${bins}, expected a positive integer`);
  }
  if (differences.length === 0 || differences.length !== targets.length) {
    throw new RangeError(
      `pairCalibration: there are ${differences.length} differences and ${targets.length} targets, expected as many ` +
        `of either, at least one`,
    );
  }
  for (let i = 0; i < differences.length; i++) {
    if (!Number.isFinite(differences[i])) {
      throw new RangeError(`pairCalibration: difference ${i} is ${differences[i]}, expected a finite number`);
    }
    if (!(targets[i] >= 0 && targets[i] <= 1)) {
      throw new RangeError(`pairCalibration: target ${i} is ${targets[i]}, expected a number in [0, 1]`);
    }
  }
}
