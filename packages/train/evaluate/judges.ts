/** What measures: rewards and encoders, with everything a number must say of them. */
import { featureRows } from "@dipp/metrics";
import { type Tensor, tensor } from "@dipp/tensor";
import { shownPath } from "../config/paths.ts";
import { compiledReward, loadEncoder, loadReward } from "../models/judges.ts";
import type { ModelFile } from "../models/model_file.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { sha256OfFiles } from "./sha256.ts";

/** What a number says of the model behind it. */
export interface JudgeFacts {
  /** The checkpoint. */
  readonly weights: string;
  /** Its SHA-256. */
  readonly sha256: string;
  /** Kind of model. */
  readonly variant: string;
  /** What the weights are stored in, and what is computed in. */
  readonly dtype: string;
}

/** What every judge has. */
interface Judge {
  /** What a number says of it. */
  readonly facts: JudgeFacts;
  /** Side of the images that it takes. */
  readonly size: number;
}

/** A reward that scores images under prompts. */
export interface RewardJudge extends Judge {
  /** Scores `[N, 3, size, size]` in [0, 1] under N prompts: N numbers. */
  score(images: Tensor, prompts: readonly string[]): Promise<Float64Array>;
}

/** A joint space of images and prompts. */
export interface EncoderJudge extends Judge {
  /** Features of `[N, 3, size, size]` in [0, 1]. */
  imageRows(images: Tensor): Promise<Float64Array[]>;
  /** Features of prompts. */
  textRows(prompts: readonly string[]): Promise<Float64Array[]>;
}

/**
 * A learned reward as a judge.
 *
 * @param file A checkpoint of kind "preference".
 * @returns The judge; its graph is built once for each number of images.
 */
export async function rewardJudge(file: ModelFile): Promise<RewardJudge> {
  const reward = compiledReward(await loadReward(file));
  return {
    ...await common(file, "Bradley-Terry reward"),
    async score(images, prompts) {
      return Float64Array.from(await reward.score(images, { ids: encode(file.vocabulary, prompts) }).data());
    },
  };
}

/**
 * A contrastive model as a judge.
 *
 * @param file A checkpoint of kind "clip".
 * @returns The judge.
 */
export async function encoderJudge(file: ModelFile): Promise<EncoderJudge> {
  const encoder = await loadEncoder(file);
  return {
    ...await common(file, "contrastive model"),
    imageRows: async (images) => await featureRows(encoder.imageFeatures(images)),
    textRows: async (prompts) => await featureRows(encoder.textFeatures({ ids: encode(file.vocabulary, prompts) })),
  };
}

async function common({ path, description, tensors }: ModelFile, what: string): Promise<Judge> {
  const stored = new Set([...tensors.values()].map((entry) => entry.dtype));
  return {
    size: description.image_size,
    facts: {
      weights: shownPath(path),
      sha256: await sha256OfFiles([path]),
      variant: `${what}, ${description.image_size}x${description.image_size}`,
      dtype: `${[...stored].join(" and ").toLowerCase()} weights, f32 arithmetic`,
    },
  };
}

function encode(vocabulary: Vocabulary, prompts: readonly string[]): Tensor {
  return tensor(vocabulary.encodeAll(prompts), [prompts.length, vocabulary.maxLength]);
}
