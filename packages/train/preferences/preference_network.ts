/** What learns from preferences: a network from scratch, or a head on the features of a frozen CLIP. */
import type { Params } from "@dipp/nn";
import {
  augment,
  type BradleyTerryConfig,
  type BradleyTerryParams,
  BradleyTerryReward,
  PreferenceHead,
  type PreferenceHeadParams,
  scaledFeatures,
} from "@dipp/rewards";
import { compile, type Tensor, tensor } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import type { StageConfig } from "../config/schema.ts";
import type { TrainingData } from "./training_data.ts";
import { type FrozenClip, type FrozenClipConfig, openFrozenClip } from "../models/frozen_clip.ts";
import { readModel } from "../models/model_file.ts";
import { Vocabulary } from "../vocabulary.ts";
import { dataInputs, type PairInputs, pairInputs, READERS, readImages, type Rows, rowsOf } from "./pair_inputs.ts";
import { type PairList, pairsOfData } from "./pair_list.ts";
import { PreferenceFile } from "./preference_file.ts";

type Config = StageConfig<"preference">;

/** Something that learns from pairs. */
export interface PreferenceNetwork {
  /** What it learns from. */
  readonly inputs: PairInputs;
  /** Side of the images. */
  readonly size: number;
  /** The words. */
  readonly vocabulary: Vocabulary;
  /** What a checkpoint says of it. */
  readonly model: unknown;
  /** Fresh parameters from a random key. */
  init(key: Tensor): Params;
  /** Scores of rows of images under rows of prompts, `[B]`. */
  score(params: Params, images: Tensor, text: Tensor): Tensor;
  /** Random changes of images, as the configuration says. */
  augment(images: Tensor, key: Tensor): Tensor;
  /** Everything that a checkpoint holds, the frozen part included. */
  exported(params: Params): Params;
}

/**
 * Makes what the configuration asks for, and brings the data into the form that it reads.
 *
 * @param config The configuration.
 * @param data The data.
 * @param note Says something to the person at the terminal.
 * @returns What learns.
 * @throws {ConfigError} If the parts do not fit together.
 */
export async function preferenceNetwork(
  config: Config,
  data: TrainingData,
  note: (text: string) => void,
): Promise<PreferenceNetwork> {
  const pairs = data instanceof PreferenceFile ? data : pairsOfData(data);
  return isFrozenClip(config.model)
    ? await onClip(config, config.model, data, pairs, note)
    : await fromScratch(config, config.model, data, pairs, note);
}

function isFrozenClip(model: Config["model"]): model is FrozenClipConfig {
  return "clip" in model;
}

async function fromScratch(
  config: Config,
  model: BradleyTerryConfig,
  data: TrainingData,
  pairs: PairList,
  note: (text: string) => void,
): Promise<PreferenceNetwork> {
  const { batch_size, seed } = config;
  const { size, vocabulary } = data instanceof PreferenceFile ? await sizeAndWords(data) : data;
  let inputs: PairInputs;
  if (data instanceof PreferenceFile) {
    note(`Reading ${pairs.images} images as ${size}x${size}`);
    inputs = pairInputs(data, await readImages(data, size), wordRows(data.prompts, vocabulary), batch_size, seed);
  } else inputs = dataInputs(data, pairs, batch_size, seed);
  const network = new BradleyTerryReward({ ...model, text: { ...model.text, vocab_size: vocabulary.size } });
  return {
    inputs,
    size,
    vocabulary,
    model: network.config,
    init: (key) => network.init(key),
    score: (params, images, ids) => network.apply(params as BradleyTerryParams, images, ids),
    augment: (images, key) => augment(images, key, config.augment),
    exported: (params) => params,
  };
}

/** What a network from scratch takes from a file of preferences. */
async function sizeAndWords({ config, prompts }: PreferenceFile): Promise<{ size: number; vocabulary: Vocabulary }> {
  const given = config.vocabulary === null
    ? undefined
    : await readModel(config.vocabulary, ["teacher", "generator", "fake", "clip", "preference"]).catch((error) => {
      throw new ConfigError(`data.vocabulary is ${config.vocabulary}: ${(error as Error).message}`);
    });
  const size = config.size ?? given?.description.image_size;
  if (size === undefined) {
    throw new ConfigError("data.size is null, expected the side of the squares that the network sees");
  }
  return { size, vocabulary: given?.vocabulary ?? Vocabulary.fromNames(prompts) };
}

async function onClip(
  config: Config,
  model: FrozenClipConfig,
  data: TrainingData,
  pairs: PairList,
  note: (text: string) => void,
): Promise<PreferenceNetwork> {
  const changed = Object.entries(config.augment).find(([, value]) => value);
  if (changed) {
    throw new ConfigError(
      `augment.${changed[0]} is ${
        changed[1]
      }, but the features of a frozen CLIP are computed once, expected no augment`,
    );
  }
  const clip = await openFrozenClip(model);
  const size = data instanceof PreferenceFile ? data.config.size ?? clip.size : data.size;
  if (data instanceof PreferenceFile && data.config.vocabulary !== null) {
    throw new ConfigError(
      `data.vocabulary is ${data.config.vocabulary}, but the CLIP brings its own words, expected null`,
    );
  }
  note(`Encoding ${pairs.images} images as ${size}x${size} and ${pairs.prompts.length} prompts`);
  const images = await imageRows(clip, pairs, size), texts = await textRows(clip, pairs.prompts);
  const head = new PreferenceHead({
    image_features: clip.features,
    text_features: clip.features,
    hidden: model.hidden,
  });
  return {
    inputs: pairInputs(pairs, images, texts, config.batch_size, config.seed),
    size,
    vocabulary: clip.vocabulary ?? Vocabulary.fromNames(pairs.prompts),
    model: { ...clip.description, head: head.config },
    init: (key) => head.init(key),
    score: (params, features, text) => head.apply(params as PreferenceHeadParams, features, text),
    augment: (features) => features,
    exported: (params) => ({ head: params, ...(clip.params ? { clip: clip.params } : {}) }),
  };
}

function wordRows(prompts: readonly string[], vocabulary: Vocabulary): Rows {
  return rowsOf(vocabulary.encodeAll(prompts), [vocabulary.maxLength]);
}

/** Features of all images, a few images at a time; only features are kept. */
async function imageRows(clip: FrozenClip, pairs: PairList, size: number): Promise<Rows> {
  const encode = compile((images: Tensor) => scaledFeatures(clip.encoder.imageFeatures(images)));
  return await featureRows(clip.features, pairs.images, async (numbers) => {
    const width = 3 * size * size, pixels = new Float32Array(numbers.length * width);
    await Promise.all(numbers.map(async (image, i) => pixels.set(await pairs.pixels(image, size), i * width)));
    return encode(tensor(pixels, [numbers.length, 3, size, size]));
  });
}

async function textRows(clip: FrozenClip, prompts: readonly string[]): Promise<Rows> {
  return await featureRows(
    clip.features,
    prompts.length,
    (numbers) => scaledFeatures(clip.encoder.textFeatures(clip.prompts(numbers.map((i) => prompts[i])))),
  );
}

/** Every part has one shape: what is missing of the last is filled up with repeats. */
async function featureRows(
  features: number,
  count: number,
  encode: (numbers: readonly number[]) => Tensor | Promise<Tensor>,
): Promise<Rows> {
  const data = new Float32Array(count * features), part = Math.min(READERS, count);
  for (let at = 0; at < count; at += part) {
    const rows = await (await encode(Array.from({ length: part }, (_, i) => (at + i) % count))).data() as Float32Array;
    data.set(rows.subarray(0, Math.min(part, count - at) * features), at * features);
  }
  return rowsOf(data, [features]);
}
