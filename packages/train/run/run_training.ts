/** A whole run: from a configuration to a directory of results. */
import { init } from "@dipp/tensor";
import type { Config } from "../config/schema.ts";
import { makeStage } from "../stages/make_stage.ts";
import { writeRunReport } from "../report/write_run_report.ts";
import { CheckpointStore } from "./checkpoint_store.ts";
import type { Interrupt } from "./interrupt.ts";
import { MetricsLog } from "./metrics_log.ts";
import { Progress } from "./progress.ts";
import { restore } from "./restore.ts";
import { checkResumable, moveAside, writeRecord } from "./run_directory.ts";
import { trainSteps } from "./trainer.ts";
import { Watcher } from "./watcher.ts";

/** How to run. */
export interface RunOptions {
  /** Directory of the results. */
  readonly out: string;
  /** Go on from the directory's last whole checkpoint. */
  readonly resume: boolean;
  /** The command line, for cards. */
  readonly command: string;
  /** The request to stop. */
  readonly interrupt: Pick<Interrupt, "requested">;
}

/** What a run came to. */
export interface RunResult {
  /** The stage's summary; undefined after an interrupt. */
  readonly summary: Record<string, unknown> | undefined;
  /** Steps done, over all parts of the run. */
  readonly steps: number;
  /** Why the watcher ended the run, and the step of the state that it went back to. */
  readonly stopped?: { readonly reason: string; readonly kept: number };
  /** Steps that were done when this process went on; 0 for a run in one go. */
  readonly resumedAt: number;
  /** Seconds since the start of this process's part of the run. */
  readonly seconds: number;
}

/**
 * Trains a stage and writes configuration, metrics, pictures, checkpoints and summary into a directory.
 *
 * @param config A complete configuration.
 * @param options Where, and whether to go on.
 * @returns The summary.
 */
export async function runTraining(config: Config, options: RunOptions): Promise<RunResult> {
  const { out, resume, command } = options;
  const began = performance.now();
  if (resume) await checkResumable(out, config);
  const device = await init();
  const stage = await makeStage(config, { device, out, command, note });
  if (!resume) {
    const aside = await moveAside(out);
    if (aside) note(`The earlier run of ${out} lies in ${aside} now`);
  }

  const progress = new Progress(config.stage, stage.shown);
  const store = new CheckpointStore(`${out}/checkpoints`, config.checkpoint.keep);
  const checkpoint = resume
    ? await store.latest((path, reason) => note(`Checkpoint ${path} is passed over: ${reason}`))
    : undefined;
  if (checkpoint) await restore(stage.state, checkpoint.tensors);
  const start = checkpoint?.step ?? 0;

  const record = { config, derived: stage.facts, adapter: device.name, command };
  await writeRecord(out, record);
  const log = await MetricsLog.open(`${out}/metrics.jsonl`, start);
  log.write({ step: start, event: resume ? "resume" : "start", ...record });
  note(`${config.stage} on ${device.name} (${device.reason}): ${Object.entries(stage.facts).map(fact).join(", ")}`);
  note(start === 0 ? `Results go to ${out}` : `Going on after step ${start} of ${out}`);
  const watcher = stage.watch &&
    await Watcher.open(stage.watch, stage.state, out, start, (text) => progress.note(text));
  try {
    if (start === 0) await stage.begin?.();
    const steps = await trainSteps(stage, start, {
      steps: config.steps,
      logEvery: config.log_every,
      observeEvery: stage.observeEvery ?? config.sample_every,
      checkpointEvery: config.checkpoint.every,
      store,
      metadata: { stage: config.stage, seed: `${config.seed}` },
      log,
      progress,
      ...(watcher ? { watcher } : {}),
      interrupt: options.interrupt,
    });
    progress.close();
    if (steps > start) log.write({ step: steps, event: "trained", peak_bytes: device.stats().peakBytes });
    const seconds = () => Math.round((performance.now() - began) / 100) / 10;
    const isOver = await stage.isOver?.() ?? false;
    if (isOver) note(`Stopped early, after step ${steps} of ${config.steps}`);
    const reason = watcher?.reason;
    if (steps < config.steps && !isOver && reason === undefined) {
      return { summary: undefined, steps, resumedAt: start, seconds: seconds() };
    }
    const kept = reason === undefined ? steps : await watcher!.goBack(steps);
    const stopped = reason === undefined ? {} : { stopped: { reason, kept } };
    if (reason !== undefined) note(`Stopped at step ${steps}: ${reason}; the model is that of step ${kept}`);
    const summary = await stage.finish(kept);
    log.write({ step: steps, event: "summary", ...summary, ...stopped });
    const rule = stage.watch?.rule;
    await writeRunReport(out, { record, steps, summary, shown: stage.shown, ...stopped, ...(rule && { rule }) });
    return { summary, steps, resumedAt: start, seconds: seconds(), ...stopped };
  } finally {
    progress.close();
    log.close();
    watcher?.close();
    stage.close?.();
  }
}

function note(text: string): void {
  console.error(text);
}

function fact([name, value]: [string, unknown]): string {
  return `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`;
}
