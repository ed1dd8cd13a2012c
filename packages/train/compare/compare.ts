/** Runs a set of objectives on one budget, measures each alike, and puts the numbers in one table. */
import { writeAtomic } from "@dipp/nn";
import type { ObjectiveConfig, ObjectiveInput, ObjectiveName } from "@dipp/objectives";
import { ConfigError } from "../config/config_error.ts";
import type { Report } from "../evaluate/report.ts";
import type { OneStepConfig } from "../stages/one_step_models.ts";
import type { RunCommand } from "./child_process.ts";
import { type Comparison, type ComparisonRow, type FailedRun, spreadOf } from "./comparison.ts";
import { comparisonTable } from "./comparison_table.ts";
import { evaluated, type RunRequest, trained } from "./finished_run.ts";
import { objectiveOf } from "./objective_of.ts";
import { type RunFacts, runFacts } from "./run_facts.ts";

/** What to compare, and how. */
export interface CompareOptions {
  /** The configuration's file. */
  readonly path: string;
  /** The configuration, complete. */
  readonly config: OneStepConfig;
  /** Changes of the configuration. */
  readonly sets: readonly string[];
  /** The objectives, in the order of the rows. */
  readonly objectives: readonly ObjectiveName[];
  /** Changes of the configuration for one objective, by its name. */
  readonly own: Readonly<Partial<Record<ObjectiveName, readonly string[]>>>;
  /** The seeds. */
  readonly seeds: readonly number[];
  /** What each run may spend. */
  readonly budget: Comparison["budget"];
  /** Whether rewards' weights are fitted, so that every objective feels the reward as the configuration's own does. */
  readonly fitsReward: boolean;
  /** What to measure, as in `evaluate --metrics`. */
  readonly metrics: string;
  /** Directory of the results. */
  readonly out: string;
  /** The command line. */
  readonly command: string;
  /** Options of every command: the device, its threads. */
  readonly common: readonly string[];
  /** Runs a command. */
  readonly run: RunCommand;
  /** The request to stop; the run in progress decides for itself. */
  readonly interrupt: { readonly requested: boolean };
  /** Says something to the person at the terminal. */
  note(text: string): void;
}

/** Steps of a trial: enough for a median. */
const TRIAL_STEPS = 10;

/** An objective with what its runs are to be. */
interface Entry {
  readonly name: ObjectiveName;
  readonly objective: ObjectiveInput;
  readonly steps: number;
}

/** One thing that was measured. */
interface Measured {
  readonly seed?: number;
  readonly report: Report;
  readonly facts?: RunFacts;
}

/**
 * Compares objectives.
 *
 * @param options What and how.
 * @returns The comparison; undefined after an interrupt. It is written to `compare.json` and `compare.md` after each run.
 * @throws {ConfigError} If the directory holds runs of something else.
 */
export async function compare(options: CompareOptions): Promise<Comparison | undefined> {
  const { config, seeds, objectives, interrupt, note } = options;
  const failed: FailedRun[] = [];
  const rows = new Map<string, { entry?: Entry; measured: Measured[] }>();
  const total = objectives.length * seeds.length, began = performance.now();
  let done = 0, repeated = 0;

  for (const [name, checkpoint] of Object.entries({ teacher: config.teacher, start: startOf(config) })) {
    if (checkpoint === null) continue;
    const measured: Measured[] = [];
    rows.set(name, { measured });
    const result = await evaluated(requestFor(options, name), checkpoint);
    if (interrupt.requested) return undefined;
    if ("reason" in result) failed.push({ name, reason: result.reason });
    else measured.push({ report: result.report });
  }
  const entries: Entry[] = [];
  for (const name of objectives) {
    const entry = await entryOf(name, options);
    if (interrupt.requested) return undefined;
    if ("reason" in entry) failed.push(...seeds.map((seed) => ({ name, seed, reason: entry.reason })));
    else {
      entries.push(entry);
      rows.set(name, { entry, measured: [] });
    }
  }
  // All objectives of one seed before the next seed: a table of some seeds is fair to all
  for (const seed of seeds) {
    for (const entry of entries) {
      const result = await runOf(entry, seed, options);
      if (interrupt.requested) return undefined;
      done++;
      if ("reason" in result) failed.push({ name: entry.name, seed, reason: result.reason });
      else rows.get(entry.name)!.measured.push(result);
      if (!("isFound" in result && result.isFound)) repeated++;
      const each = (performance.now() - began) / 1000 / Math.max(1, repeated);
      note(`${done} of ${total} runs${done < total && repeated > 0 ? `, ${minutes(each * (total - done))} left` : ""}`);
      await write(options, rows, failed);
    }
  }
  return await write(options, rows, failed);
}

/** The generator before training, where the configuration names one. */
function startOf({ generator }: OneStepConfig): string | null {
  return generator.checkpoint;
}

function requestFor(options: CompareOptions, folder: string, sets: readonly string[] = [], steps?: number): RunRequest {
  return {
    path: options.path,
    directory: `${options.out}/${folder}`,
    sets: [...options.sets, ...sets, ...(steps === undefined ? [] : [`steps=${steps}`])],
    metrics: options.metrics,
    common: options.common,
    run: options.run,
    label: folder.replaceAll("/", " "),
  };
}

/** Changes of the configuration that make it another objective's. */
function setsOf({ own }: CompareOptions, name: ObjectiveName, objective: ObjectiveInput): string[] {
  return [`objective=${JSON.stringify(objective)}`, "export=null", "fake.export=null", ...own[name] ?? []];
}

/** A few steps of an objective, to learn what one takes and how its gradients compare. */
async function trial(
  name: ObjectiveName,
  objective: ObjectiveInput,
  options: CompareOptions,
): Promise<RunFacts | { reason: string }> {
  const quick = [
    "log_every=1",
    "fake.warmup_steps=0",
    "sample_count=1",
    "sample_every=0",
    "checkpoint.every=0",
    "watch=null",
  ];
  const small = ['evaluation={"models":["after"],"images_per_prompt":1,"train_prompts":0,"batch_size":8}'];
  const sets = [...setsOf(options, name, objective), ...quick, ...small, `seed=${options.seeds[0]}`];
  const request = requestFor(options, `trials/${name}`, sets, TRIAL_STEPS);
  const result = await trained(request);
  return "reason" in result ? result : await runFacts(request.directory);
}

/** Settles an objective's configuration and steps, by a trial where they do not follow from what was asked for. */
async function entryOf(name: ObjectiveName, options: CompareOptions): Promise<Entry | { reason: string }> {
  const { config, budget, fitsReward, own } = options;
  const base = config.objective as ObjectiveConfig;
  let objective = objectiveOf(base, name);
  const isSet = (own[name] ?? []).some((set) => /^objective(\.alpha_rew)?=/.test(set));
  const fits = fitsReward && !isSet && name !== base.name && weightOf(objective) > 0 && weightOf(base) > 0;
  const isTimed = "seconds" in budget;
  let facts: RunFacts | undefined;
  if (fits || isTimed) {
    const result = await trial(name, objective, options);
    if ("reason" in result) return result;
    facts = result;
  }
  if (fits && facts!.rewardRatio !== null) {
    const target = await trial(base.name, objectiveOf(base, base.name), options);
    if ("reason" in target) return target;
    if (target.rewardRatio !== null) {
      const weight = weightOf(objective) * target.rewardRatio / facts!.rewardRatio;
      objective = { ...objective, alpha_rew: Number(weight.toPrecision(3)) } as ObjectiveInput;
    }
  }
  const steps = isTimed ? Math.max(1, Math.floor(budget.seconds / facts!.stepSeconds!)) : budget.steps;
  return { name, objective, steps };
}

function weightOf(objective: ObjectiveInput | ObjectiveConfig): number {
  return "alpha_rew" in objective ? objective.alpha_rew ?? 0 : 0;
}

/** Trains and measures one run, or finds it. */
async function runOf(
  { name, objective, steps }: Entry,
  seed: number,
  options: CompareOptions,
): Promise<Measured & { isFound: boolean } | { reason: string }> {
  const sets = [...setsOf(options, name, objective), `seed=${seed}`, 'evaluation.models=["after"]'];
  const request = requestFor(options, `${name}/seed-${seed}`, sets, steps);
  const training = await trained(request);
  if ("reason" in training) return training;
  if (options.interrupt.requested) return { reason: "it was interrupted" };
  const result = await evaluated(request, `${request.directory}/model.safetensors`);
  if ("reason" in result) return result;
  return {
    seed,
    report: result.report,
    facts: await runFacts(request.directory),
    isFound: training.isFound && result.isFound,
  };
}

/** Puts the table together as far as it goes, and writes it. */
async function write(
  options: CompareOptions,
  rows: ReadonlyMap<string, { readonly entry?: Entry; readonly measured: readonly Measured[] }>,
  failed: readonly FailedRun[],
): Promise<Comparison> {
  const first = [...rows.values()].flatMap(({ measured }) => measured)[0]?.report;
  const metrics = first?.metrics.map(({ name, label, better }) => ({ name, label, better })) ?? [];
  const comparison: Comparison = {
    format: "dipp.comparison.1",
    date: new Date().toISOString(),
    command: options.command,
    adapter: first?.adapter ?? "",
    budget: options.budget,
    images: first ? `${first.images.length} images of ${first.prompts.count} prompts (${first.prompts.name})` : "none",
    metrics,
    rows: [...rows].map(([name, { entry, measured }]): ComparisonRow => ({
      name,
      ...(entry ? { objective: entry.objective, steps: entry.steps } : {}),
      seeds: measured.flatMap(({ seed }) => seed ?? []),
      ended: measured.flatMap(({ seed, facts }) => facts?.isStopped ? seed ?? [] : []),
      metrics: Object.fromEntries(metrics.map((metric) => [
        metric.name,
        spreadOf(measured.map(({ report }) => report.metrics.find((m) => m.name === metric.name)?.value ?? null)),
      ])),
      stepSeconds: spreadOf(measured.map(({ facts }) => facts?.stepSeconds ?? null)),
      peakBytes: spreadOf(measured.map(({ facts }) => facts?.peakBytes ?? null)),
    })),
    failed,
  };
  await Deno.mkdir(options.out, { recursive: true });
  await writeAtomic(`${options.out}/compare.json`, JSON.stringify(comparison, null, 2) + "\n");
  await writeAtomic(`${options.out}/compare.md`, `# Comparison\n\n${comparisonTable(comparison)}`);
  return comparison;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/**
 * Checks that a configuration is one whose objectives can be compared.
 *
 * @param config A configuration.
 * @returns The same.
 * @throws {ConfigError} If it trains no one-step generator.
 */
export function comparable(config: { readonly stage: string }): OneStepConfig {
  if (config.stage === "align" || config.stage === "distill") return config as OneStepConfig;
  throw new ConfigError(`stage is "${config.stage}", expected "align" or "distill"`);
}
