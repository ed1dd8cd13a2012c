/** What a comparison found, as data. */
import type { ObjectiveInput } from "@dipp/objectives";

/** Mean and standard error over seeds. */
export interface Spread {
  /** The mean; null where there is no number. */
  readonly mean: number | null;
  /** Its standard error; null with fewer than two seeds. */
  readonly stderr: number | null;
  /** How many seeds it is of. */
  readonly count: number;
}

/** A metric of the table. */
export interface ComparisonMetric {
  /** Its name, as in `evaluate --metrics`. */
  readonly name: string;
  /** Its name for people. */
  readonly label: string;
  /** Which way is better. */
  readonly better: "higher" | "lower";
}

/** One row: an objective, or a model that was not trained here. */
export interface ComparisonRow {
  /** What it is called. */
  readonly name: string;
  /** Its objective, where it was trained here. */
  readonly objective?: ObjectiveInput;
  /** Steps of each run. */
  readonly steps?: number;
  /** Seeds whose runs are in the numbers. */
  readonly seeds: readonly number[];
  /** Those of them that their watcher ended before their last step. */
  readonly ended: readonly number[];
  /** Numbers by metric. */
  readonly metrics: Readonly<Record<string, Spread>>;
  /** Seconds of a training step. */
  readonly stepSeconds: Spread;
  /** Most bytes on the device at once in training. */
  readonly peakBytes: Spread;
}

/** A run that did not come to its end. */
export interface FailedRun {
  /** Which. */
  readonly name: string;
  /** Its seed; undefined for what is not trained. */
  readonly seed?: number;
  /** Why. */
  readonly reason: string;
}

/** A whole comparison; `compare.json` holds it. */
export interface Comparison {
  /** Version of this form. */
  readonly format: "dipp.comparison.1";
  /** Day and time, ISO 8601. */
  readonly date: string;
  /** The command line. */
  readonly command: string;
  /** The device of the runs. */
  readonly adapter: string;
  /** What each run could spend: steps, or seconds of training. */
  readonly budget: { readonly steps: number } | { readonly seconds: number };
  /** Images that each number is of, in words. */
  readonly images: string;
  /** The metrics, in the order of the columns. */
  readonly metrics: readonly ComparisonMetric[];
  /** The rows. */
  readonly rows: readonly ComparisonRow[];
  /** What failed. */
  readonly failed: readonly FailedRun[];
}

/**
 * Mean and standard error of numbers of several seeds.
 *
 * @param values The numbers; those that are null do not count.
 * @returns Mean, standard error, count.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { spreadOf } from "./comparison.ts";
 *
 * assertEquals(spreadOf([1, 3, null]), { mean: 2, stderr: 1, count: 2 });
 * assertEquals(spreadOf([5]), { mean: 5, stderr: null, count: 1 });
 * ```
 */
export function spreadOf(values: readonly (number | null)[]): Spread {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const count = known.length;
  if (count === 0) return { mean: null, stderr: null, count };
  const mean = known.reduce((a, b) => a + b) / count;
  if (count === 1) return { mean, stderr: null, count };
  const variance = known.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (count - 1);
  return { mean, stderr: Math.sqrt(variance / count), count };
}
