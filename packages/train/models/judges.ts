/** Rewards and contrastive models from checkpoints. */
import { loadParams, realizeParams } from "@dipp/nn";
import {
  type BradleyTerryInput,
  type BradleyTerryParams,
  BradleyTerryReward,
  bradleyTerryReward,
  type ContrastiveInput,
  ContrastiveModel,
  type ContrastiveParams,
  featureReward,
  type ImageTextEncoder,
  PreferenceHead,
  type PreferenceHeadConfig,
  type PreferenceHeadParams,
  type Reward,
} from "@dipp/rewards";
import { compile, key, type Tensor } from "@dipp/tensor";
import { type FrozenClipDescription, ownClip, released } from "./frozen_clip.ts";
import type { ModelFile } from "./model_file.ts";

/**
 * A network learned from preferences.
 *
 * @param file A checkpoint of kind "preference".
 * @returns The network and its parameters, in f32.
 */
export async function loadPreference(
  { description, tensors }: ModelFile,
): Promise<{ network: BradleyTerryReward; params: BradleyTerryParams }> {
  const network = new BradleyTerryReward(description.model as BradleyTerryInput);
  const params: BradleyTerryParams = loadParams(network.init(key(0)), tensors, { dtype: "f32" });
  await realizeParams(params);
  return { network, params };
}

/**
 * A learned reward.
 *
 * @param file A checkpoint of kind "preference".
 * @returns The reward, differentiable in the images.
 * @throws {RangeError} If it stands on a released CLIP whose weights are others than those it was trained with.
 */
export async function loadReward(file: ModelFile): Promise<Reward> {
  const model = file.description.model as BradleyTerryInput | FeatureRewardDescription;
  if ("head" in model) return await loadFeatureReward(file, model);
  const { network, params } = await loadPreference(file);
  return bradleyTerryReward(network, params);
}

/** What a checkpoint says of a reward on a frozen CLIP. */
export type FeatureRewardDescription = FrozenClipDescription & {
  /** The head's size. */
  readonly head: PreferenceHeadConfig;
};

async function loadFeatureReward(file: ModelFile, model: FeatureRewardDescription): Promise<Reward> {
  const { tensors, vocabulary, description } = file;
  const { encoder } = "clip" in model
    ? await ownClip(model.clip, tensors, vocabulary, description.image_size, "clip.")
    : await released(model.transformers.path, model.transformers.dtype, model.transformers.sha256);
  const head = new PreferenceHead(model.head);
  const own = new Map([...tensors].filter(([name]) => name.startsWith("head.")));
  const params: PreferenceHeadParams = loadParams(head.init(key(0)), own, { dtype: "f32", prefix: "head." });
  await realizeParams(params);
  return featureReward(encoder, head, params);
}

/**
 * A reward for measuring only: its graph is built once for each shape.
 *
 * @param reward The reward.
 * @returns The same, compiled, without gradient.
 */
export function compiledReward(reward: Reward): Reward {
  const score = compile((inputs: { images: Tensor; ids: Tensor; tokens: Record<string, Tensor> }) => {
    const { images, ...prompts } = inputs;
    return reward.score(images, prompts);
  });
  return { score: (images, { ids, tokens = {} }) => score({ images, ids, tokens }) };
}

/**
 * A contrastive model for measuring.
 *
 * @param file A checkpoint of kind "clip".
 * @returns Features of images and prompts, compiled.
 */
export async function loadEncoder({ description, tensors }: ModelFile): Promise<ImageTextEncoder> {
  const model = new ContrastiveModel(description.model as ContrastiveInput);
  const params: ContrastiveParams = loadParams(model.init(key(0)), tensors, { dtype: "f32" });
  await realizeParams(params);
  const images = compile((x: Tensor) => model.encodeImages(params, x));
  const texts = compile((ids: Tensor) => model.encodeTexts(params, ids));
  return { imageFeatures: images, textFeatures: ({ ids }) => texts(ids) };
}
