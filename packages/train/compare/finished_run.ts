/** Runs that are done once: what lies in the directory is taken where it is what was asked for. */
import { commandLine } from "../cli/command_line.ts";
import { ConfigError } from "../config/config_error.ts";
import { firstDifference, loadConfig } from "../config/load_config.ts";
import { shownPath } from "../config/paths.ts";
import type { Report } from "../evaluate/report.ts";
import { readRecord } from "../run/run_directory.ts";
import type { RunCommand } from "./child_process.ts";
import { runFacts } from "./run_facts.ts";

/** A training, or a measurement, and where it goes. */
export interface RunRequest {
  /** The configuration's file. */
  readonly path: string;
  /** Changes of it. */
  readonly sets: readonly string[];
  /** The directory. */
  readonly directory: string;
  /** What to measure. */
  readonly metrics: string;
  /** Options of every command. */
  readonly common: readonly string[];
  /** Runs a command. */
  readonly run: RunCommand;
  /** What to call it. */
  readonly label: string;
}

/** What did not come to its end, and why. */
export interface Failure {
  /** Why. */
  readonly reason: string;
}

/**
 * Trains, goes on with a training that was broken off, or finds that it is done.
 *
 * @param request What to train.
 * @returns Whether it was done before, or why it failed.
 * @throws {ConfigError} If the directory holds a run of something else.
 */
export async function trained(request: RunRequest): Promise<{ readonly isFound: boolean } | Failure> {
  const { path, sets, directory, common, run, label } = request;
  const config = await loadConfig(path, sets);
  const record = await readRecord(directory);
  const { finishedAt, isStopped } = await runFacts(directory);
  if (record) {
    const difference = firstDifference(record.config, config) ??
      ((finishedAt ?? 0) > config.steps ? `steps was ${finishedAt} and is ${config.steps}` : undefined);
    if (difference !== undefined) {
      throw new ConfigError(
        `--out holds another run in ${shownPath(directory)}: ${difference}; expected a new directory`,
      );
    }
    if (isStopped || finishedAt === config.steps) return { isFound: true };
  }
  await Deno.remove(`${directory}/evaluation`, { recursive: true }).catch(() => {});
  const { code, reason } = await run(
    ["train", path, ...setOptions(sets), "--out", directory, ...(record ? ["--resume"] : []), ...common],
    label,
  );
  return code === 0 ? { isFound: false } : { reason };
}

/**
 * Measures a checkpoint with `evaluate`, or finds that it was measured.
 *
 * @param request What to measure with, and where.
 * @param checkpoint The checkpoint.
 * @returns The report, and whether it was there before; or why it failed.
 */
export async function evaluated(
  request: RunRequest,
  checkpoint: string,
): Promise<{ readonly report: Report; readonly isFound: boolean } | Failure> {
  const { path, sets, directory, metrics, common, run, label } = request;
  const out = `${directory}/evaluation`;
  const args = [path, ...setOptions(sets), "--checkpoint", checkpoint, "--metrics", metrics, "--out", out, ...common];
  const found = await readReport(out);
  if (found?.command === commandLine("evaluate", args)) return { report: found, isFound: true };
  const { code, reason } = await run(["evaluate", ...args], label);
  if (code !== 0) return { reason };
  const report = await readReport(out);
  return report ? { report, isFound: false } : { reason: `it left no report in ${shownPath(out)}` };
}

function setOptions(sets: readonly string[]): string[] {
  return sets.flatMap((set) => ["--set", set]);
}

async function readReport(out: string): Promise<Report | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${out}/report.json`)) as Report;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
