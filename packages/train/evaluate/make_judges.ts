/** The judges that metrics need. */
import type { InceptionResize, LpipsBackbone } from "@dipp/metrics";
import { ConfigError } from "../config/config_error.ts";
import type { RewardConfig } from "../config/reward_schema.ts";
import type { ImageTextData } from "../data.ts";
import { fromPlanar, readImage, type RgbImage } from "../images.ts";
import { readModel } from "../models/model_file.ts";
import { configuredJudge } from "./configured_judge.ts";
import { imageFilesOf } from "./image_store.ts";
import { encoderJudge, type FeatureJudge } from "./judges.ts";
import type { Judges } from "./measure.ts";
import { type FeatureSpace, type MetricRequest, needsReference } from "./metric_names.ts";
import { inceptionJudge, lpipsJudge, paperRewardJudge } from "./paper_judges.ts";
import type { PromptSet } from "./prompt_set.ts";

/** Where judges come from. */
export interface JudgeOptions {
  /** Rewards by name: checkpoints, or what a configuration says of them. */
  readonly rewards: Readonly<Record<string, RewardConfig>>;
  /** The checkpoint of the contrastive model, where there is one. */
  readonly clip: string | null;
  /** Where the weights of papers' metrics lie. */
  readonly weights: string;
  /** Inception's weights. */
  readonly inception?: string;
  /** Whose way images come into Inception. */
  readonly resize: InceptionResize;
  /** LPIPS's backbone. */
  readonly lpips: LpipsBackbone;
  /** A directory of real images; the data's own unless told. */
  readonly reference?: string;
  /** Images at a time. */
  readonly batchSize: number;
}

/** Inception's weights, relative to the folder of weights. */
const INCEPTION_FILE = "mseitzer/pytorch-fid/pt_inception-2015-12-05-6726825d.pth";

/**
 * Loads what metrics need, and nothing else.
 *
 * @param metrics The metrics.
 * @param options Where things lie.
 * @param data The data set.
 * @param set The prompts.
 * @returns The judges.
 * @throws {ConfigError} If something that a metric needs is not there.
 */
export async function makeJudges(
  metrics: readonly MetricRequest[],
  options: JudgeOptions,
  data: ImageTextData,
  set: PromptSet,
): Promise<Judges> {
  const rewards: [string, Judges["rewards"][string]][] = [];
  for (const { kind, name } of metrics) {
    if (kind === "reward") {
      rewards.push([name, await configuredJudge(options.rewards[name], data, options.batchSize, name)]);
    }
    if (kind === "paper") rewards.push([name, await paperRewardJudge(name, options.weights)]);
  }
  const spaces = new Set(metrics.flatMap((metric) => metric.kind === "features" ? [metric.space] : []));
  const clip = spaces.has("clip") ? await encoderJudge(await readModel(options.clip!, ["clip"])) : undefined;
  const inception = spaces.has("inception") || metrics.some(({ kind }) => kind === "inception_score")
    ? await inceptionJudge(await inceptionFile(options), options.resize)
    : undefined;
  const isOwn = set.prompts.every((prompt) => data.prompts.includes(prompt));
  const real: Partial<Record<FeatureSpace, Float64Array[]>> = {};
  const judges = { clip, inception };
  for (const metric of metrics.filter(needsReference)) {
    real[metric.space] ??= await realRows(metric.name, judges[metric.space]!, options, data, isOwn);
  }
  return {
    rewards: Object.fromEntries(rewards),
    ...(clip ? { clip } : {}),
    ...(inception ? { inception } : {}),
    ...(metrics.some(({ kind }) => kind === "lpips")
      ? { lpips: await lpipsJudge(options.lpips, options.weights) }
      : {}),
    gallery: isOwn ? data.prompts : [],
    real,
    batchSize: options.batchSize,
  };
}

async function inceptionFile({ inception, weights }: JudgeOptions): Promise<string> {
  const path = inception ?? `${weights}/${INCEPTION_FILE}`;
  if (await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
  throw new ConfigError(
    inception === undefined
      ? `Inception's weights are not on this machine: there is no ${path}, expected that file, or --inception FILE`
      : `--inception is ${path}: no such file`,
  );
}

/** Features of real images: those of a directory, or all of the data's. */
async function realRows(
  name: string,
  judge: FeatureJudge,
  { reference, batchSize }: JudgeOptions,
  data: ImageTextData,
  isOwn: boolean,
): Promise<Float64Array[]> {
  if (reference === undefined && !isOwn) {
    throw new ConfigError(
      `Metric ${name} compares with real images, and the prompts are not the data's, expected --reference DIR`,
    );
  }
  const files = reference === undefined ? undefined : await imageFilesOf("--reference", reference);
  const own = files ? [] : fromPlanar(data.images(data.prompts.map((_, i) => i)), data.size, data.size);
  const count = files?.length ?? own.length;
  const rows: Float64Array[] = [];
  for (let at = 0; at < count; at += batchSize) {
    const n = Math.min(batchSize, count - at);
    const read = (i: number): Promise<RgbImage> | RgbImage => files ? readImage(files[at + i]) : own[at + i];
    const batch = await Promise.all(Array.from({ length: n }, (_, i) => read(i)));
    rows.push(...await judge.imageRows(batch));
  }
  return rows;
}
