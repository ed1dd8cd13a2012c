/** What there is to report of a run. */
import type { MetricsLine } from "../run/metrics_log.ts";
import type { RunRecord } from "../run/run_directory.ts";
import { type Parting, partingOf, type WatchPoint, type WatchRule } from "../run/watch_history.ts";
import type { Mark, Series } from "./curve.ts";

/** A run as its directory tells it. */
export interface RunReport {
  /** What the run is called. */
  readonly name: string;
  /** Configuration, command, device. */
  readonly record: RunRecord;
  /** Day and time of the report, ISO 8601. */
  readonly date: string;
  /** Steps done. */
  readonly steps: number;
  /** The stage's closing numbers. */
  readonly summary: Readonly<Record<string, unknown>>;
  /** Why the watcher ended the run, and the step of the model. */
  readonly stopped?: { readonly reason: string; readonly kept: number };
  /** Lines of the log that hold a step's metrics. */
  readonly lines: readonly MetricsLine[];
  /** Names of the metrics to show of them. */
  readonly shown: readonly string[];
  /** Looks for reward hacking. */
  readonly history: readonly WatchPoint[];
  /** What they looked for; undefined where nothing was watched. */
  readonly rule?: WatchRule;
}

/**
 * Where the reward and what is held out last parted.
 *
 * @param report A run.
 * @returns The parting, and whether they had met again by the last look; undefined where they never parted.
 */
export function partingOfRun({ history, rule }: RunReport): Parting & { readonly isOver: boolean } | undefined {
  for (let length = history.length; rule && length > 0; length--) {
    const parting = partingOf(history.slice(0, length), rule);
    if (parting) return { ...parting, isOver: length < history.length };
  }
  return undefined;
}

/**
 * What a run came to in one sentence, as far as reward hacking goes.
 *
 * @param report A run.
 * @returns A sentence; empty where nothing was watched.
 */
export function verdict(report: RunReport): string {
  const { rule, stopped, steps } = report;
  if (!rule) return "";
  const { training, heldOut } = rule, parting = partingOfRun(report);
  const [own, other] = [training, heldOut].map((name) => name && plain(name));
  const found = parting
    ? `The ${own} and the ${other} part at step ${parting.step}: after it the first rises and the second falls${
      parting.isOver ? ", though at the last look the second is back within its noise" : ""
    }`
    : own && other
    ? `The ${own} and the ${other} have not parted`
    : "There is nothing to hold a reward against";
  return stopped
    ? `${found}. The run was ended at step ${steps}; its model is that of step ${stopped.kept}.`
    : `${found}.`;
}

/**
 * The reward and what is held out as curves in one unit: the rise since the first look, in standard deviations over
 * prompts at the first look.
 *
 * @param report A run.
 * @returns The curves; none where there are not both.
 */
export function partingCurves({ history, rule }: RunReport): Series[] {
  const names = [rule?.training, rule?.heldOut];
  if (names.some((name) => name == null) || history.length === 0) return [];
  return (names as string[]).map((name) => {
    const start = history[0].per_prompt[name], mean = meanOf(start);
    const deviation = Math.sqrt(meanOf(start.map((x) => (x - mean) ** 2))) || 1;
    const points = history.map((look) => [look.step, (meanOf(look.per_prompt[name]) - mean) / deviation] as const);
    return { label: plain(name), points };
  });
}

/**
 * The steps to mark in curves.
 *
 * @param report A run.
 * @returns Where the two part, and where the run was ended.
 */
export function marksOf(report: RunReport): Mark[] {
  const parting = partingOfRun(report);
  return [
    ...parting ? [{ step: parting.step, label: `they part: step ${parting.step}` }] : [],
    ...report.stopped ? [{ step: report.steps, label: `ended: step ${report.steps}` }] : [],
  ];
}

/**
 * Each metric that was watched as a curve.
 *
 * @param report A run.
 * @returns Curves by metric.
 */
export function watchedCurves({ history }: RunReport): Series[] {
  return Object.keys(history[0]?.metrics ?? {}).map((name) => ({
    label: plain(name),
    points: history.map(({ step, metrics }) => [step, metrics[name] ?? NaN] as const),
  }));
}

/**
 * The metrics of the steps as curves.
 *
 * @param report A run.
 * @returns Curves by metric, those that there are.
 */
export function trainingCurves({ lines, shown }: RunReport): Series[] {
  return shown.map((name) => ({
    label: name,
    points: lines.flatMap((line) => typeof line[name] === "number" ? [[line.step, line[name] as number] as const] : []),
  })).filter(({ points }) => points.length > 1);
}

/** A name for eyes. */
export function plain(name: string): string {
  return name.replace("held_out", "held-out").replaceAll("_", " ");
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
