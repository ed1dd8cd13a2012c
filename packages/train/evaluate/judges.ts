/** What measures: rewards and encoders, with everything a number must say of them. */
import { featureRows } from "@dipp/metrics";
import { type Tensor, tensor } from "@dipp/tensor";
import { shownPath } from "../config/paths.ts";
import { resizeImage, type RgbImage, toPlanar } from "../images.ts";
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

/** What every judge has. It is given batches of one size, of 8-bit pictures as they lie on disk. */
export interface Judge {
  /** What a number says of it. */
  readonly facts: JudgeFacts;
  /** What was done to the images that it has seen. */
  readonly preprocessing: string;
}

/** A reward that scores images under prompts. */
export interface RewardJudge extends Judge {
  /** Its name for people, where it has one. */
  readonly label?: string;
  /** What a person should know of prompts: words that it does not know. */
  warning?(prompt: string): string | undefined;
  /** Scores images under their prompts. */
  score(images: readonly RgbImage[], prompts: readonly string[]): Promise<Float64Array>;
}

/** A space of images. */
export interface FeatureJudge extends Judge {
  /** Features of images, one row each. */
  imageRows(images: readonly RgbImage[]): Promise<Float64Array[]>;
}

/** A joint space of images and prompts. */
export interface EncoderJudge extends FeatureJudge {
  /** Features of prompts. */
  textRows(prompts: readonly string[]): Promise<Float64Array[]>;
}

/** A space of images, and a classifier's logits. */
export interface ClassifierJudge extends FeatureJudge {
  /** Features and logits of images. */
  classify(images: readonly RgbImage[]): Promise<{ rows: Float64Array[]; logits: Float64Array[] }>;
}

/**
 * A learned reward as a judge.
 *
 * @param file A checkpoint of kind "preference".
 * @returns The judge; its graph is built once for each number of images.
 */
export async function rewardJudge(file: ModelFile): Promise<RewardJudge> {
  const reward = compiledReward(await loadReward(file));
  const input = squareInput(file.description.image_size);
  return {
    facts: await factsOf(file, "Bradley-Terry reward"),
    get preprocessing() {
      return input.preprocessing;
    },
    warning: (prompt) => file.vocabulary.warning(prompt),
    async score(images, prompts) {
      const scores = reward.score(await input.batch(images), { ids: encode(file.vocabulary, prompts) });
      return Float64Array.from(await scores.data());
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
  const input = squareInput(file.description.image_size);
  return {
    facts: await factsOf(file, "contrastive model"),
    get preprocessing() {
      return input.preprocessing;
    },
    imageRows: async (images) => await featureRows(encoder.imageFeatures(await input.batch(images))),
    textRows: async (prompts) => await featureRows(encoder.textFeatures({ ids: encode(file.vocabulary, prompts) })),
  };
}

/** The way into a network that takes squares of one size. */
export interface SquareInput {
  /** What was done to the images so far. */
  readonly preprocessing: string;
  /** Images as `[N, 3, size, size]` in [0, 1]. */
  batch(images: readonly RgbImage[]): Promise<Tensor>;
}

/**
 * Pictures as squares; those of another size are scaled.
 *
 * @param size The side.
 * @returns The way in.
 */
export function squareInput(size: number): SquareInput {
  let isScaled = false;
  return {
    get preprocessing() {
      return isScaled
        ? `8-bit RGB, Lanczos 3 to ${size}x${size}, [0, 1]`
        : `8-bit RGB as it is (${size}x${size}), [0, 1]`;
    },
    async batch(images) {
      const width = 3 * size * size, data = new Float32Array(images.length * width);
      for (const [i, image] of images.entries()) {
        const fits = image.width === size && image.height === size;
        isScaled ||= !fits;
        data.set(toPlanar(fits ? image : await resizeImage(image, size, size)), i * width);
      }
      return tensor(data, [images.length, 3, size, size]);
    },
  };
}

async function factsOf({ path, description, tensors }: ModelFile, what: string): Promise<JudgeFacts> {
  const stored = new Set([...tensors.values()].map((entry) => entry.dtype));
  return {
    weights: shownPath(path),
    sha256: await sha256OfFiles([path]),
    variant: `${what}, ${description.image_size}x${description.image_size}`,
    dtype: `${[...stored].join(" and ").toLowerCase()} weights, f32 arithmetic`,
  };
}

function encode(vocabulary: Vocabulary, prompts: readonly string[]): Tensor {
  return tensor(vocabulary.encodeAll(prompts), [prompts.length, vocabulary.maxLength]);
}
