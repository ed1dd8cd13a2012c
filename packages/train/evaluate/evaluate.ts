/** A whole evaluation: from a checkpoint, or images, to a directory with a report. */
import { writeAtomic } from "@dipp/nn";
import { init } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import type { RewardConfig } from "../config/reward_schema.ts";
import type { ImageTextData } from "../data.ts";
import { readImage } from "../images.ts";
import { readModel } from "../models/model_file.ts";
import { loadData } from "../run/load_data.ts";
import { spread } from "../run/sample_pictures.ts";
import type { OneStepConfig } from "../stages/one_step_models.ts";
import { type EvaluationItem, evaluationItems } from "./evaluation_items.ts";
import { htmlReport } from "./html_report.ts";
import { cacheFolder } from "./cache.ts";
import { configuredRewards } from "./configured_rewards.ts";
import { embedImage } from "./embed_image.ts";
import { checkpointSource, type ImageSource, modelSource } from "./image_source.ts";
import {
  type DrawingRecord,
  drawMissing,
  drawnImages,
  foundImages,
  imageFacts,
  type StoredImages,
} from "./image_store.ts";
import { type JudgeOptions, makeJudges } from "./make_judges.ts";
import { markdownReport } from "./markdown_report.ts";
import { type Judges, measure } from "./measure.ts";
import { parseMetrics } from "./metric_names.ts";
import { type PromptSet, promptSet, readPromptSet } from "./prompt_set.ts";
import { makeReport, type MeasuredRun, type Report, SEED_RULE } from "./report.ts";

/** What to evaluate, and how. */
export interface EvaluateOptions {
  /** What to measure. */
  readonly subject: { readonly kind: "checkpoint" | "model" | "images"; readonly path: string };
  /** Directory of the results. */
  readonly out: string;
  /** Rewards besides the configuration's. */
  readonly judges: readonly { readonly name: string; readonly path: string }[];
  /** Resamples of the bootstrap; 0 for none. */
  readonly resamples: number;
  /** Images of each prompt. */
  readonly count: number;
  /** Seed of the noise. */
  readonly seed: number;
  /** The command line, for the report. */
  readonly command: string;
  /** A prompt set's name or file; the data's own prompts unless told. */
  readonly prompts?: string;
  /** Metrics joined by commas; all that there is a model for unless told. */
  readonly metrics?: string;
  /** The directory of an evaluation to compare with. */
  readonly compare?: string;
  /** Where the weights of papers' metrics lie, and what to compare with. */
  readonly judging: Omit<JudgeOptions, "rewards" | "clip" | "weights" | "batchSize"> & { readonly weights?: string };
  /** How many prompts at most. */
  readonly limit?: number;
  /** Says something to the person at the terminal. */
  note(text: string): void;
}

/** Coverage of intervals. */
const LEVEL = 0.95;

/**
 * Evaluates and writes `report.json`, `report.md` and `report.html`.
 *
 * @param config Data, judges and sampler.
 * @param options What and where.
 * @returns The report.
 * @throws {ConfigError} Where something that was asked for is not there.
 */
export async function evaluate(config: OneStepConfig, options: EvaluateOptions): Promise<Report> {
  const { subject, out, seed, count, resamples, command, note } = options;
  const rewards: Record<string, RewardConfig> = { ...configuredRewards(config) };
  for (const { name, path } of options.judges) {
    if (name in rewards) throw new ConfigError(`--judge ${name}=${path} has a name that is taken, expected another`);
    rewards[name] = path;
  }
  const metrics = parseMetrics(options.metrics, Object.keys(rewards), config.clip !== null);
  const data = await loadData(config.data);
  const set = limited(
    options.prompts === undefined
      ? ownPrompts(data, config.evaluation.train_prompts)
      : await readPromptSet(options.prompts),
    options.limit,
  );
  const items = evaluationItems(set, count);
  const device = await init();
  const judges = await makeJudges(
    metrics,
    {
      rewards,
      clip: config.clip,
      weights: cacheFolder("weights"),
      batchSize: config.evaluation.batch_size,
      ...options.judging,
    },
    data,
    set,
  );
  noteUnknownWords(judges, set, note);
  const run = await imagesOf(config, options, set, items);
  note(`Measuring ${metrics.map(({ name }) => name).join(", ")} on ${items.length} images`);
  const numbers = (files: readonly string[]) => measure({ items, image: (i) => readImage(files[i]) }, metrics, judges);
  const measured: MeasuredRun = { ...run, measurements: await numbers(run.files) };
  let other: MeasuredRun | undefined;
  if (options.compare !== undefined) {
    const { record, files } = await drawnImages(options.compare, items);
    checkPair(options.compare, record, { seed, copies: count, prompts: describe(set) });
    other = { subject: record.subject, files, measurements: await numbers(files) };
  }
  const report = makeReport(
    {
      date: new Date().toISOString(),
      command,
      adapter: device.name,
      prompts: { name: set.name, count: set.prompts.length, images_per_prompt: count, sha256: set.sha256 },
      seeds: { seed, rule: subject.kind === "images" ? "of whoever drew the images" : SEED_RULE },
      resamples,
      level: LEVEL,
    },
    items,
    measured,
    other,
  );
  await Deno.mkdir(out, { recursive: true });
  await writeAtomic(`${out}/report.json`, JSON.stringify(report, null, 2) + "\n");
  await writeAtomic(`${out}/report.md`, markdownReport(report));
  await writeAtomic(`${out}/report.html`, await htmlReport(report, embedImage));
  return report;
}

/** The images, drawn or found. */
async function imagesOf(
  config: OneStepConfig,
  { subject, out, seed, count, note }: EvaluateOptions,
  set: PromptSet,
  items: readonly EvaluationItem[],
): Promise<Pick<MeasuredRun, "subject" | "files">> {
  if (subject.kind === "images") {
    const found: StoredImages = await foundImages(subject.path, items);
    return { subject: await imageFacts(subject.path, found), files: found.files };
  }
  const source: ImageSource = subject.kind === "model"
    ? await modelSource(subject.path)
    : await checkpointSource(await readModel(subject.path, ["generator", "teacher"]), {
      steps: config.sampler.steps,
      omega: config.sampler.guidance.omega,
      batchSize: config.evaluation.batch_size,
    });
  const record: DrawingRecord = { subject: source.facts, seed, prompts: describe(set), copies: count };
  const { files, found } = await drawMissing(source, items, record, out);
  if (found > 0) note(`${found} of ${items.length} images were there`);
  return { subject: source.facts, files };
}

/** All prompts that were held out, and some of those trained on. */
function ownPrompts(data: ImageTextData, trainPrompts: number): PromptSet {
  const chosen = [...data.heldOut, ...spread(data.train, trainPrompts)];
  return promptSet("the data's own prompts, all that are held out first", chosen.map((i) => data.prompts[i]));
}

function limited(set: PromptSet, limit: number | undefined): PromptSet {
  if (limit === undefined || limit >= set.prompts.length) return set;
  return promptSet(`${set.name}, the first ${limit}`, set.prompts.slice(0, limit), set.styles?.slice(0, limit));
}

/** Says once which judges do not know all words of the prompts. */
function noteUnknownWords({ rewards }: Judges, { prompts }: PromptSet, note: (text: string) => void): void {
  for (const [name, { warning }] of Object.entries(rewards)) {
    const warnings = prompts.flatMap((prompt) => warning?.(prompt) ?? []);
    if (warnings.length > 0) {
      note(`Note: ${name} does not know all words of ${warnings.length} of ${prompts.length} prompts. ${warnings[0]}`);
    }
  }
}

function describe({ name, sha256, prompts }: PromptSet): DrawingRecord["prompts"] {
  return { name, sha256, count: prompts.length };
}

/** Pairs are images of one prompt from one seed. */
function checkPair(directory: string, record: DrawingRecord, own: Omit<DrawingRecord, "subject">): void {
  const expected = { prompts: own.prompts.sha256, seed: own.seed, copies: own.copies };
  const found = { prompts: record.prompts.sha256, seed: record.seed, copies: record.copies };
  for (const key of ["prompts", "seed", "copies"] as const) {
    if (found[key] === expected[key]) continue;
    throw new ConfigError(`--compare ${directory} has ${key} ${found[key]}, expected this run's, ${expected[key]}`);
  }
}
