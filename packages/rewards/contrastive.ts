import { arange, crossEntropy, fold, l2Normalize, scalar, type Tensor } from "@dipp/tensor";
import { z } from "zod";
import { ImageEncoder, type ImageEncoderConfig, type ImageEncoderParams, imageEncoderSchema } from "./image_encoder.ts";
import type { Prompts, Reward } from "./reward.ts";
import { WordEncoder, type WordEncoderConfig, type WordEncoderParams, wordEncoderSchema } from "./word_encoder.ts";

/** The size of a {@linkcode ContrastiveModel}; both encoders' `features` are the joint dimension. */
export interface ContrastiveConfig {
  /** The image encoder. */
  readonly image: ImageEncoderConfig;
  /** The prompt encoder. */
  readonly text: WordEncoderConfig;
}

/** A {@linkcode ContrastiveConfig} before its defaults are filled in. */
export interface ContrastiveInput {
  /** The image encoder. */
  readonly image?: Partial<ImageEncoderConfig>;
  /** The prompt encoder. */
  readonly text?: Partial<WordEncoderConfig>;
}

/** What a {@linkcode ContrastiveConfig} must look like, and its defaults. */
export const contrastiveSchema: z.ZodType<ContrastiveConfig, ContrastiveInput> = z.strictObject({
  image: imageEncoderSchema.prefault({}),
  text: wordEncoderSchema.prefault({}),
}).refine(
  (c) => c.image.features === c.text.features,
  { error: "image.features and text.features must be equal", path: ["text", "features"] },
);

/** Parameters of a {@linkcode ContrastiveModel}. */
export type ContrastiveParams = {
  /** The image encoder. */
  image: ImageEncoderParams;
  /** The prompt encoder. */
  text: WordEncoderParams;
  /** Logarithm of the inverse temperature, []. */
  logit_scale: Tensor;
};

/** The initial temperature of CLIP is 0.07, its largest inverse temperature 100 (Radford et al. 2021, 2.5). */
const INITIAL_LOGIT_SCALE = Math.log(1 / 0.07), MAX_LOGIT_SCALE = Math.log(100);

/**
 * A small contrastive image-text model, CLIP (Radford et al. 2021) with a convolutional image encoder and a bag of
 * words: images and prompts on one unit sphere, near each other where they belong together.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ContrastiveModel } from "@dipp/rewards";
 * import { key, tensor, uniform } from "@dipp/tensor";
 *
 * const model = new ContrastiveModel({
 *   image: { channels: [8, 16], features: 32 },
 *   text: { vocab_size: 10, features: 32 },
 * });
 * const params = model.init(key(0));
 * const images = model.encodeImages(params, uniform(key(1), [2, 3, 16, 16]));
 * const texts = model.encodeTexts(params, tensor([[1, 2], [3, 0]], [2, 2], "i32"));
 * assertEquals(model.loss(params, images, texts).shape, []);
 * ```
 */
export class ContrastiveModel {
  /** The size, complete. */
  readonly config: ContrastiveConfig;
  readonly #image: ImageEncoder;
  readonly #text: WordEncoder;

  /** Checks the configuration; see {@linkcode contrastiveSchema}. */
  constructor(config: ContrastiveInput = {}) {
    this.config = contrastiveSchema.parse(config);
    this.#image = new ImageEncoder(this.config.image);
    this.#text = new WordEncoder(this.config.text);
  }

  /** Fresh parameters from a random key. */
  init(key: Tensor): ContrastiveParams {
    return {
      image: this.#image.init(fold(key, 0)),
      text: this.#text.init(fold(key, 1)),
      logit_scale: scalar(INITIAL_LOGIT_SCALE),
    };
  }

  /**
   * Image features of unit length.
   *
   * @param params the parameters
   * @param images `[B, C, H, W]` in [0, 1]
   * @returns `[B, features]`
   */
  encodeImages(params: ContrastiveParams, images: Tensor): Tensor {
    return l2Normalize(this.#image.apply(params.image, images), 1);
  }

  /**
   * Prompt features of unit length.
   *
   * @param params the parameters
   * @param ids token ids `[B, L]` i32, 0 is padding
   * @returns `[B, features]`
   */
  encodeTexts(params: ContrastiveParams, ids: Tensor): Tensor {
    return l2Normalize(this.#text.apply(params.text, ids), 1);
  }

  /**
   * The symmetric cross entropy of CLIP: each image must pick its own prompt out of the batch, each prompt its image.
   *
   * @param params the parameters; of these only `logit_scale` is used
   * @param images image features `[B, features]` of unit length
   * @param texts prompt features `[B, features]` of unit length, row by row belonging to `images`
   * @returns a scalar
   */
  loss(params: ContrastiveParams, images: Tensor, texts: Tensor): Tensor {
    const scale = params.logit_scale.clamp(undefined, MAX_LOGIT_SCALE).exp();
    const logits = images.matmul(texts.transpose(0, 1)).mul(scale);
    const targets = arange(images.shape[0], "i32");
    return crossEntropy(logits, targets)
      .add(crossEntropy(logits.transpose(0, 1), targets))
      .mul(0.5);
  }
}

/** Images and prompts in one feature space; what retrieval, Frechet distance and diversity need of a model. */
export interface ImageTextEncoder {
  /** Features of images `[B, 3, H, W]` in [0, 1]: `[B, D]`. */
  imageFeatures(images: Tensor): Tensor;
  /** Features of prompts: `[B, D]`. */
  textFeatures(prompts: Prompts): Tensor;
}

/**
 * A trained contrastive model with its parameters bound.
 *
 * @param model the model
 * @param params its parameters
 * @returns the encoder of both
 */
export function contrastiveEncoder(
  model: ContrastiveModel,
  params: ContrastiveParams,
): ImageTextEncoder {
  return {
    imageFeatures: (images) => model.encodeImages(params, images),
    textFeatures: (prompts) => model.encodeTexts(params, prompts.ids),
  };
}

/**
 * The cosine of image and prompt features as a reward, in [-1, 1] (CLIPScore without its factor, Hessel et al. 2021).
 *
 * @param encoder features of unit length
 * @returns the reward
 */
export function similarityReward(encoder: ImageTextEncoder): Reward {
  return {
    score: (images, prompts) => encoder.imageFeatures(images).mul(encoder.textFeatures(prompts)).sum(1),
  };
}
