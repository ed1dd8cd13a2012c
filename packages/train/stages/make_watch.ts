/** What looks at a generator while it trains: `evaluate`'s measurements, on pictures that are never written. */
import { ConfigError } from "../config/config_error.ts";
import type { WatchConfig } from "../config/watch_field.ts";
import { cacheFolder } from "../evaluate/cache.ts";
import { evaluationItems } from "../evaluate/evaluation_items.ts";
import { drawItems } from "../evaluate/image_source.ts";
import { type JudgeOptions, makeJudges } from "../evaluate/make_judges.ts";
import { groupByPrompt, measure, type MeasuredImages } from "../evaluate/measure.ts";
import type { Measurement } from "../evaluate/measurement.ts";
import { parseMetrics } from "../evaluate/metric_names.ts";
import { configuredRewards, heldOutMember } from "../evaluate/configured_rewards.ts";
import { type PromptSet, promptSet, readPromptSet } from "../evaluate/prompt_set.ts";
import { fromPlanar } from "../images.ts";
import type { ImageTextData } from "../data.ts";
import { type Draw, spread } from "../run/sample_pictures.ts";
import type { WatchRule } from "../run/watch_history.ts";
import type { StageWatch } from "../run/watcher.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { OneStepConfig } from "./one_step_models.ts";

/** Measured unless told, in the space of the contrastive model. */
const ENCODED = ["clipscore", "diversity"];

/**
 * Makes what a configuration's `watch` asks for.
 *
 * @param config The configuration.
 * @param data The data set.
 * @param vocabulary The generator's words.
 * @param draw What draws with the state as it is.
 * @returns The watch; undefined where the configuration has none.
 * @throws {ConfigError} If it names a metric that there is nothing to measure with, or that no rule can be made of.
 */
export async function makeWatch(
  config: OneStepConfig,
  data: ImageTextData,
  vocabulary: Vocabulary,
  draw: Draw,
): Promise<StageWatch | undefined> {
  const { watch, clip } = config;
  if (watch === null) return undefined;
  const rewards = configuredRewards(config), names = Object.keys(rewards);
  const metrics = parseMetrics(
    (watch.metrics ?? [...names, ...clip === null ? [] : ENCODED]).join(),
    names,
    clip !== null,
  );
  const set = await promptsOf(watch, data);
  const items = evaluationItems(set, watch.images_per_prompt);
  const { batch_size: batchSize } = config.evaluation;
  const options: JudgeOptions = {
    rewards,
    clip,
    weights: cacheFolder("weights"),
    resize: "clean-fid",
    lpips: "alex",
    batchSize,
  };
  const judges = await makeJudges(metrics, options, data, set);
  const rule = ruleOf(config, watch, rewards);
  const drawBatch = drawItems(draw, vocabulary, data.size, batchSize);
  const groups = groupByPrompt(items), prompts = groups.map((_, p) => p);
  return {
    every: watch.every,
    rule,
    restores: watch.stop?.restore ?? false,
    async measure() {
      const pictures: ReturnType<typeof fromPlanar> = [];
      for (let at = 0; at < items.length; at += batchSize) {
        const { data: pixels } = await drawBatch(items.slice(at, at + batchSize), watch.seed);
        pictures.push(...fromPlanar(pixels, data.size, data.size));
      }
      const images: MeasuredImages = { items, image: (i) => pictures[i] };
      const found = await measure(images, metrics, judges);
      checkRule(rule, found);
      const paired = [rule.training, rule.heldOut].flatMap((name) => found.find((m) => m.name === name) ?? []);
      return {
        metrics: Object.fromEntries(found.map(({ name, statistic }) => [name, finite(statistic(prompts))])),
        per_prompt: Object.fromEntries(paired.map(({ name, statistic }) => [name, prompts.map((p) => statistic([p]))])),
      };
    },
  };
}

/** As many of the data's prompts as asked for, those that were held out first; or a set. */
async function promptsOf({ prompts }: WatchConfig, data: ImageTextData): Promise<PromptSet> {
  if (typeof prompts === "string") return await readPromptSet(prompts);
  const held = spread(data.heldOut, prompts);
  const chosen = [...held, ...spread(data.train, prompts - held.length)];
  return promptSet("the data's own prompts", chosen.map((i) => data.prompts[i]));
}

/**
 * The reward is what is trained on. Unless told, what it is held against is the held-out reward, the member that the
 * reward itself holds out, or faithfulness, whichever there is first.
 */
function ruleOf(
  { reward: whole, clip }: OneStepConfig,
  { metrics, held_out, stop }: WatchConfig,
  rewards: JudgeOptions["rewards"],
): WatchRule {
  const isWatched = (name: string | undefined): name is string =>
    name !== undefined && (metrics?.includes(name) ?? (name in rewards || (name === "clipscore" && clip !== null)));
  const training = isWatched("reward") ? "reward" : null;
  const usual = ["held_out_reward", heldOutMember(whole), "clipscore"].find(isWatched);
  const rule = {
    training,
    heldOut: held_out ?? usual ?? null,
    parted: stop?.parted ?? null,
    below: stop?.below ?? {},
  };
  const reward = Object.keys(rule.below).find((name) => name in rewards);
  if (reward === undefined) return rule;
  throw new ConfigError(`watch.stop.below has ${reward}, a reward, whose zero means nothing: expected another metric`);
}

/** A rule can be made of numbers that are there, and of means over prompts alone where it goes by pairs. */
function checkRule({ training, heldOut, below }: WatchRule, found: readonly Measurement[]): void {
  const known = found.map(({ name }) => name).join(", ");
  for (const [path, name] of [["watch.held_out", heldOut], ...Object.keys(below).map((n) => ["watch.stop.below", n])]) {
    if (name === null || name === training) continue;
    const measurement = found.find((m) => m.name === name);
    if (!measurement) throw new ConfigError(`${path} is ${name}, which is not watched, expected one of ${known}`);
    if (measurement.better === "lower" || (name === heldOut && measurement.isOfSet)) {
      throw new ConfigError(
        `${path} is ${name}, expected ${
          name === heldOut ? "a mean over prompts" : "a metric"
        } that is better when higher`,
      );
    }
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
