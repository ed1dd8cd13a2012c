/** What an evaluation found, as data. */
import { bootstrap, jackknife } from "@dipp/metrics";
import type { EvaluationItem } from "./evaluation_items.ts";
import type { SubjectFacts } from "./image_source.ts";
import type { Hygiene, Measurement } from "./measurement.ts";

/** How a number differs from that of another run on the same prompts and seeds. */
export interface ReportComparison {
  /** The other run's number; null where its images do not give it. */
  readonly other: number | null;
  /** Its standard error. */
  readonly other_stderr: number | null;
  /** This minus the other. */
  readonly difference: number | null;
  /** Lower end of the paired interval of the difference; null without resamples or with one prompt. */
  readonly low: number | null;
  /** Upper end. */
  readonly high: number | null;
}

/** One number of a report. */
export interface ReportMetric {
  /** Its name. */
  readonly name: string;
  /** Its name for people. */
  readonly label: string;
  /** Which way is better. */
  readonly better: "higher" | "lower";
  /** The number; null where the images do not give it. */
  readonly value: number | null;
  /** Its standard error over prompts; null without resamples or with one prompt. */
  readonly stderr: number | null;
  /** How that error, and the interval of a comparison, are made. */
  readonly resampled_by: "bootstrap" | "jackknife";
  /** For the reward of a style: spread of the means of ten chunks. */
  readonly chunk_std?: number;
  /** Number of images. */
  readonly count: number;
  /** Weights, variant, preprocessing, dtype. */
  readonly hygiene: Hygiene;
  /** Against another run. */
  readonly comparison?: ReportComparison;
}

/** One image of a report. */
export interface ReportImage {
  /** Its file. */
  readonly file: string;
  /** What it should show. */
  readonly prompt: string;
  /** Which image of the prompt. */
  readonly copy: number;
  /** Random stream of its noise. */
  readonly stream: number;
  /** Scores by metric. */
  readonly scores: Readonly<Record<string, number>>;
  /** The other run's file and scores, for the same prompt and seed. */
  readonly other?: { readonly file: string; readonly scores: Readonly<Record<string, number>> };
}

/** A whole report; `report.json` holds it. */
export interface Report {
  /** Version of this form. */
  readonly format: "dipp.report.1";
  /** Day and time, ISO 8601. */
  readonly date: string;
  /** The command line. */
  readonly command: string;
  /** The adapter that drew and measured. */
  readonly adapter: string;
  /** What was measured. */
  readonly subject: SubjectFacts;
  /** What it is compared with. */
  readonly other?: SubjectFacts;
  /** The prompts. */
  readonly prompts: {
    readonly name: string;
    readonly count: number;
    readonly images_per_prompt: number;
    readonly sha256: string;
  };
  /** The seeds. */
  readonly seeds: { readonly seed: number; readonly rule: string };
  /** How standard errors and intervals are made. */
  readonly resampling: { readonly resamples: number; readonly level: number; readonly rule: string };
  /** The numbers. */
  readonly metrics: readonly ReportMetric[];
  /** The images. */
  readonly images: readonly ReportImage[];
}

/** One run's part of a report. */
export interface MeasuredRun {
  /** What was measured. */
  readonly subject: SubjectFacts;
  /** Files, in the order of the items. */
  readonly files: readonly string[];
  /** Numbers. */
  readonly measurements: readonly Measurement[];
}

/** Everything about a report that is not measured. */
export type ReportFrame =
  & Omit<Report, "format" | "metrics" | "images" | "subject" | "other" | "resampling">
  & { readonly resamples: number; readonly level: number };

/** How errors and intervals are made, in words. */
const RESAMPLING_RULE = "prompts are resampled with all their images, two runs in pairs: means by the percentile " +
  "bootstrap, numbers of the whole set, which repeated images would spoil, by the jackknife over groups of prompts";

/** Where noise comes from, in words. */
export const SEED_RULE = "Threefry-2x32 keyed by the seed and the FNV-1a hash of prompt and copy, for each image";

/**
 * Puts a report together: values, standard errors, and paired intervals where there is another run.
 *
 * @param frame What was asked for.
 * @param items The images.
 * @param run This run.
 * @param other Another run of the same items, measured alike.
 * @returns The report.
 */
export function makeReport(
  frame: ReportFrame,
  items: readonly EvaluationItem[],
  run: MeasuredRun,
  other?: MeasuredRun,
): Report {
  const { resamples, level, ...rest } = frame;
  const units = new Set(items.map(({ prompt }) => prompt)).size;
  const metrics = run.measurements.map((measurement, i): ReportMetric => {
    const { name, label, better, hygiene, count, chunkStd } = measurement;
    const spread = spreader(measurement, units, resamples, level);
    const own = spread(measurement.statistic);
    const pair = other?.measurements[i];
    return {
      name,
      label,
      better,
      value: finite(own.estimate),
      stderr: finite(own.stderr),
      resampled_by: measurement.isOfSet ? "jackknife" : "bootstrap",
      ...(chunkStd !== undefined && Number.isFinite(chunkStd) ? { chunk_std: chunkStd } : {}),
      count,
      hygiene,
      ...(pair ? { comparison: compare(measurement, pair, spread) } : {}),
    };
  });
  const images = items.map(({ prompt, copy, stream }, i): ReportImage => ({
    file: run.files[i],
    prompt,
    copy,
    stream,
    scores: scoresOf(run, i),
    ...(other ? { other: { file: other.files[i], scores: scoresOf(other, i) } } : {}),
  }));
  return {
    format: "dipp.report.1",
    ...rest,
    subject: run.subject,
    ...(other ? { other: other.subject } : {}),
    resampling: { resamples, level, rule: RESAMPLING_RULE },
    metrics,
    images,
  };
}

/** A statistic's value, standard error and interval. */
type Spread = (statistic: Measurement["statistic"]) => { estimate: number; stderr: number; low: number; high: number };

function spreader({ isOfSet, groups = 20 }: Measurement, units: number, resamples: number, level: number): Spread {
  if (resamples === 0 || units < 2) {
    const all = Array.from({ length: units }, (_, i) => i);
    return (statistic) => ({ estimate: statistic(all), stderr: NaN, low: NaN, high: NaN });
  }
  return isOfSet
    ? (statistic) => jackknife(units, statistic, { level, groups })
    : (statistic) => bootstrap(units, statistic, { resamples, level });
}

function compare(a: Measurement, b: Measurement, spread: Spread): ReportComparison {
  const other = spread(b.statistic);
  const { estimate, low, high } = spread((prompts) => a.statistic(prompts) - b.statistic(prompts));
  return {
    other: finite(other.estimate),
    other_stderr: finite(other.stderr),
    difference: finite(estimate),
    low: finite(low),
    high: finite(high),
  };
}

function scoresOf({ measurements }: MeasuredRun, image: number): Record<string, number> {
  return Object.fromEntries(measurements.flatMap(({ name, perImage }) => perImage ? [[name, perImage[image]]] : []));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
