/** What the log of a training says of its course. */
import { type MetricsLine, readMetrics } from "../run/metrics_log.ts";

/** The course of a run, as far as it went. */
export interface RunFacts {
  /** The step at which the run was finished and measured; undefined before. */
  readonly finishedAt: number | undefined;
  /** Whether its watcher ended it. */
  readonly isStopped: boolean;
  /** Median seconds of a step, compilation left out; null where there are too few steps. */
  readonly stepSeconds: number | null;
  /** Most bytes that tensors took on the device at once; null where no step was done. */
  readonly peakBytes: number | null;
  /** Size of the reward's gradient at x_0 against the divergence's, over the first steps; null without either. */
  readonly rewardRatio: number | null;
}

/** Generator steps that the ratio is taken over: while the networks are still those that the run began with. */
const FIRST = 4;

/**
 * Reads the facts from a run's directory.
 *
 * @param directory The directory.
 * @returns The facts.
 */
export async function runFacts(directory: string): Promise<RunFacts> {
  const lines = await readMetrics(`${directory}/metrics.jsonl`);
  const steps = lines.filter((line) => typeof line.step_seconds === "number");
  // The first reading holds the compilation: all lines that share its time
  const timed = steps.filter((line) => line.step_seconds !== steps[0].step_seconds);
  const summary = lines.findLast((line) => line.event === "summary");
  return {
    finishedAt: summary?.step,
    isStopped: summary?.stopped !== undefined,
    stepSeconds: median((timed.length > 0 ? timed : steps).map((line) => line.step_seconds as number)),
    peakBytes: largest(lines.flatMap((line) => typeof line.peak_bytes === "number" ? [line.peak_bytes] : [])),
    rewardRatio: ratioOf(steps),
  };
}

function ratioOf(steps: readonly MetricsLine[]): number | null {
  const both = steps.filter((line) => "field_norm/kl" in line && "field_norm/reward" in line).slice(0, FIRST);
  const sum = (name: string) => both.reduce((total, line) => total + (line[name] as number), 0);
  const kl = sum("field_norm/kl");
  return kl > 0 ? sum("field_norm/reward") / kl : null;
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b), half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}
