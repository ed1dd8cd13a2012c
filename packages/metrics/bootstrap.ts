/** An interval with its level and how it was made. */
export interface BootstrapInterval {
  /** The statistic of the sample itself. */
  readonly estimate: number;
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
  /** Standard deviation over the resamples: the bootstrap's standard error. */
  readonly stderr: number;
  /** Coverage, for instance 0.95. */
  readonly level: number;
  /** Number of resamples. */
  readonly resamples: number;
}

/** Settings of {@linkcode bootstrap}. */
export interface BootstrapOptions {
  /** Number of resamples; 1000 by default. */
  readonly resamples?: number;
  /** Coverage; 0.95 by default. */
  readonly level?: number;
  /** Seed of the resampling; 0 by default. */
  readonly seed?: number;
}

/**
 * Percentile bootstrap (Efron 1979) of any statistic of units that are exchangeable, prompts for instance: units are
 * drawn with replacement, and the statistic of what was drawn spreads as the statistic itself would. Two runs on the
 * same prompts are compared in pairs: the statistic is then their difference on one choice of prompts, so that what
 * both find easy or hard cancels.
 *
 * @param units number of units
 * @param statistic the number of a list of unit indices, with repetitions; it is called with 0, 1, ... first
 * @param options resamples, level, seed
 * @returns estimate, interval and standard error; the same for the same seed on every machine
 * @throws {RangeError} when there is no unit, no resample, or the level is not between 0 and 1
 *
 * @example The difference of two runs
 * ```ts
 * import { assert } from "@std/assert";
 * import { bootstrap } from "@dipp/metrics";
 *
 * const before = [1, 2, 3, 4, 5], after = [1.5, 2.5, 3.4, 4.6, 5.5];
 * const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
 * const { low, high } = bootstrap(5, (chosen) => mean(chosen.map((i) => after[i] - before[i])));
 * assert(low > 0.3 && high < 0.7);
 * ```
 */
export function bootstrap(
  units: number,
  statistic: (chosen: number[]) => number,
  { resamples = 1000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): BootstrapInterval {
  if (!Number.isInteger(units) || units < 1) throw new RangeError(`Bootstrap units are ${units}, expected at least 1`);
  if (!Number.isInteger(resamples) || resamples < 1) {
    throw new RangeError(`Bootstrap resamples are ${resamples}, expected at least 1`);
  }
  if (!(level > 0 && level < 1)) throw new RangeError(`Bootstrap level is ${level}, expected 0 < level < 1`);
  const estimate = statistic(Array.from({ length: units }, (_, i) => i));
  const uniform = splitMix32(seed);
  const values = Float64Array.from(
    { length: resamples },
    () => statistic(Array.from({ length: units }, () => Math.floor(uniform() * units))),
  ).sort();
  const mean = values.reduce((a, b) => a + b, 0) / resamples;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return {
    estimate,
    low: quantile(values, (1 - level) / 2),
    high: quantile(values, (1 + level) / 2),
    stderr: resamples < 2 ? NaN : Math.sqrt(squares / (resamples - 1)),
    level,
    resamples,
  };
}

/** A quantile of ascending values, linear between neighbours (Hyndman and Fan's seventh, numpy's default). */
function quantile(values: Float64Array, q: number): number {
  const at = q * (values.length - 1), below = Math.floor(at);
  const low = values[below], high = values[Math.min(below + 1, values.length - 1)];
  return low + (high - low) * (at - below);
}

/** Numbers in [0, 1): a Weyl sequence through the finaliser of MurmurHash3. */
function splitMix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  };
}
