/** What an evaluation found, as data. */
import { bootstrap } from "@dipp/metrics";
import type { EvaluationItem } from "./evaluation_items.ts";
import type { SubjectFacts } from "./image_source.ts";
import type { Hygiene, Measurement } from "./measurement.ts";

/** How a number differs from that of another run on the same prompts and seeds. */
export interface ReportComparison {
  /** The other run's number. */
  readonly other: number;
  /** This minus the other. */
  readonly difference: number;
  /** Lower end of the paired bootstrap interval of the difference. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
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
  /** Its standard error over prompts, by the bootstrap; null without resamples or with one prompt. */
  readonly stderr: number | null;
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

/** Numbers of a whole set cost a pass over all pairs of images: they are resampled a tenth as often. */
const SET_SHARE = 10;

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
    const times = Math.ceil(resamples / (measurement.isOfSet ? SET_SHARE : 1));
    const own = spread(measurement.statistic, units, times, level);
    const pair = other?.measurements[i];
    return {
      name,
      label,
      better,
      value: finite(own.estimate),
      stderr: finite(own.stderr),
      ...(chunkStd !== undefined && Number.isFinite(chunkStd) ? { chunk_std: chunkStd } : {}),
      count,
      hygiene,
      ...(pair ? { comparison: compare(measurement, pair, units, times, level) } : {}),
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
    resampling: {
      resamples,
      level,
      rule:
        "percentile bootstrap over prompts, with all images of a prompt; two runs in pairs; a tenth of the resamples " +
        "for numbers of the whole set",
    },
    metrics,
    images,
  };
}

function spread(statistic: Measurement["statistic"], units: number, resamples: number, level: number) {
  const estimate = statistic(Array.from({ length: units }, (_, i) => i));
  if (resamples === 0 || units < 2) return { estimate, low: NaN, high: NaN, stderr: NaN };
  return bootstrap(units, statistic, { resamples, level });
}

function compare(
  a: Measurement,
  b: Measurement,
  units: number,
  resamples: number,
  level: number,
): ReportComparison {
  const all = Array.from({ length: units }, (_, i) => i);
  const { estimate, low, high } = spread((p) => a.statistic(p) - b.statistic(p), units, resamples, level);
  return { other: b.statistic(all), difference: estimate, low, high };
}

function scoresOf({ measurements }: MeasuredRun, image: number): Record<string, number> {
  return Object.fromEntries(measurements.flatMap(({ name, perImage }) => perImage ? [[name, perImage[image]]] : []));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
