/** Rewards of a configuration that are made of nothing else. */
import { loadOnnx } from "@dipp/onnx";
import {
  brightnessReward,
  colorfulnessReward,
  compressibilityReward,
  onnxReward,
  type OnnxRewardOptions,
  preprocess,
  type Reward,
  targetColorReward,
} from "@dipp/rewards";
import { loadTokenizer } from "@dipp/scores";
import { type Tensor, tensor, zeros } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { shownPath } from "../config/paths.ts";
import type { LeafRewardConfig } from "../config/reward_schema.ts";
import { cacheFolder } from "../evaluate/cache.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { loadReward } from "./judges.ts";
import { readModel } from "./model_file.ts";
import { loadPaperReward } from "./paper_rewards.ts";

/** What makes the ids that a reward reads beside the vocabulary's. */
export interface TokenSource {
  /** Their name in `prompts.tokens`. */
  readonly name: string;
  /** Ids of texts, `[N, length]` row-major, and where there are words, if that is not where ids are not 0. */
  encode(
    texts: readonly string[],
  ): { readonly ids: Int32Array; readonly length: number; readonly mask?: Int32Array };
}

/** What rewards of a run share. */
export interface RewardContext {
  /** The words that token ids stand for; those of the first learned reward where nothing is said. */
  readonly vocabulary?: Vocabulary;
  /** Side of the images. */
  readonly imageSize: number;
  /** Images in a batch. */
  readonly batchSize: number;
}

/** A reward that was loaded. */
export interface RewardLeaf {
  /** The reward. */
  readonly reward: Reward;
  /** Its files. */
  readonly files: readonly string[];
  /** What makes its tokens, where it has its own. */
  readonly tokens?: TokenSource;
  /** The words that it knows, where it reads ids of words. */
  readonly vocabulary?: Vocabulary;
}

/**
 * Loads a reward.
 *
 * @param config What the configuration says of it.
 * @param context Words, size and number of the images.
 * @param at Where the configuration says it, for errors.
 * @returns The reward.
 * @throws {ConfigError} If its file cannot be read, or does not fit the images or the words.
 */
export async function loadRewardLeaf(
  config: LeafRewardConfig,
  context: RewardContext,
  at: string,
): Promise<RewardLeaf> {
  switch (config.type) {
    case "preference":
      return await learned(config.path, context.vocabulary, at);
    case "onnx":
      return await onnx(config, context, at);
    case "paper": {
      const { reward, files, tokens, encode } = await loadPaperReward(
        config.name,
        config.weights ?? cacheFolder("weights"),
      );
      return { reward, files, ...(tokens && encode ? { tokens: { name: tokens, encode } } : {}) };
    }
    case "brightness":
      return { reward: brightnessReward(config.sign), files: [] };
    case "colorfulness":
      return { reward: colorfulnessReward(config.sign), files: [] };
    case "compressibility":
      return { reward: compressibilityReward(config.sign), files: [] };
    case "target_color":
      return { reward: targetColorReward(config.color), files: [] };
  }
}

async function learned(path: string, vocabulary: Vocabulary | undefined, at: string): Promise<RewardLeaf> {
  try {
    const file = await readModel(path, ["preference"]);
    const [own, wanted] = [file.vocabulary, vocabulary ?? file.vocabulary].map((v) => JSON.stringify(v));
    if (own !== wanted) {
      const show = (text: string) => text.length > 120 ? `${text.slice(0, 117)}...` : text;
      throw new TypeError(`it has the vocabulary ${show(own)}, expected the teacher's, ${show(wanted)}`);
    }
    const { image_size } = file.description;
    const reward = await loadReward(file);
    const described = { name: "preference", options: { file: shownPath(path), image_size } };
    return { reward: { ...reward, description: described }, files: [path], vocabulary: file.vocabulary };
  } catch (error) {
    throw refused(at, path, error);
  }
}

type OnnxConfig = Extract<LeafRewardConfig, { type: "onnx" }>;

async function onnx(config: OnnxConfig, { vocabulary, imageSize, batchSize }: RewardContext, at: string) {
  const { path, prompt } = config;
  try {
    const folder = prompt?.tokenizer ?? null;
    const tokenizer = folder === null ? undefined : await loadTokenizer(folder);
    const name = folder === null ? "ids" : `tokenizer:${shownPath(folder)}`;
    const options: OnnxRewardOptions = {
      layout: config.layout,
      ...optional("input", config.input),
      ...optional("output", config.output),
      ...optional("index", config.index),
      ...optional("preprocess", config.preprocess && wayIn(config.preprocess)),
      ...optional("prompt", prompt && { input: prompt.input, tokens: name, ...optional("mask", prompt.mask) }),
    };
    const reward = onnxReward(await loadOnnx(path), options);
    const tokens = tokenizer && { name, encode: (texts: readonly string[]) => tokenizer.encode(texts) };
    // A graph alone, nothing is computed: what does not fit should be known before the first step
    const length = tokens?.encode([""]).length ?? vocabulary?.maxLength ?? 1;
    const ids = tensor(new Int32Array(batchSize * length), [batchSize, length]);
    reward.score(zeros([batchSize, 3, imageSize, imageSize]), { ids, tokens: { [name]: ids } });
    return { reward, files: [path], ...(tokens ? { tokens } : {}) };
  } catch (error) {
    throw refused(at, path, error);
  }
}

function wayIn(config: NonNullable<OnnxConfig["preprocess"]>): NonNullable<OnnxRewardOptions["preprocess"]> {
  const { size, mean, std, ...rest } = config;
  if (size !== null) return preprocess({ size, mean, std, resize: "tensor", ...rest });
  const channels = (values: readonly number[]) => tensor([...values], [1, 3, 1, 1]);
  return { differentiable: (images: Tensor) => images.sub(channels(mean)).div(channels(std)) };
}

function optional<Name extends string, T>(name: Name, value: T | null | undefined): { [K in Name]?: T } {
  return (value === null || value === undefined ? {} : { [name]: value }) as { [K in Name]?: T };
}

function refused(at: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return new ConfigError(`${at} is ${path}: ${error.message}`, { cause: error });
}
