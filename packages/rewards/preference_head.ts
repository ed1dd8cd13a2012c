import { cat, fold, type Tensor } from "@dipp/tensor";
import { linear, type LinearParams } from "@dipp/nn";
import { z } from "zod";
import type { ImageTextEncoder } from "./contrastive.ts";
import type { Reward } from "./reward.ts";

/** The size of a {@linkcode PreferenceHead}. */
export interface PreferenceHeadConfig {
  /** Length of an image's feature vector. */
  readonly image_features: number;
  /** Length of a prompt's feature vector. */
  readonly text_features: number;
  /** Width of the hidden layer. */
  readonly hidden: number;
}

const schema: z.ZodType<PreferenceHeadConfig> = z.strictObject({
  image_features: z.int().positive(),
  text_features: z.int().positive(),
  hidden: z.int().positive(),
});

/** Parameters of a {@linkcode PreferenceHead}. */
export type PreferenceHeadParams = {
  /** Hidden layer. */
  fc1: LinearParams;
  /** Output. */
  fc2: LinearParams;
};

/**
 * From the features f of an image and g of its prompt to a score: two layers on [f, g, f * g], the product over as many
 * entries as the shorter of the two has.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { PreferenceHead } from "@dipp/rewards";
 * import { key, randn } from "@dipp/tensor";
 *
 * const head = new PreferenceHead({ image_features: 8, text_features: 6, hidden: 4 });
 * const score = head.apply(head.init(key(0)), randn(key(1), [2, 8]), randn(key(2), [2, 6]));
 * assertEquals(score.shape, [2]);
 * ```
 */
export class PreferenceHead {
  /** The size. */
  readonly config: PreferenceHeadConfig;

  /** Checks the configuration: three positive integers. */
  constructor(config: PreferenceHeadConfig) {
    this.config = schema.parse(config);
  }

  /** Fresh parameters from a random key. */
  init(key: Tensor): PreferenceHeadParams {
    const { image_features, text_features, hidden } = this.config;
    const joint = image_features + text_features + Math.min(image_features, text_features);
    return { fc1: linear.init(fold(key, 2), joint, hidden), fc2: linear.init(fold(key, 3), hidden, 1) };
  }

  /**
   * Scores features.
   *
   * @param params the parameters
   * @param images features of the images, `[B, image_features]`
   * @param texts features of their prompts, `[B, text_features]`
   * @returns `[B]`
   */
  apply(params: PreferenceHeadParams, images: Tensor, texts: Tensor): Tensor {
    const shared: [number, number] = [0, Math.min(images.shape[1], texts.shape[1])];
    const product = images.slice([null, shared]).mul(texts.slice([null, shared]));
    const h = linear.apply(params.fc1, cat([images, texts, product], 1)).silu();
    return linear.apply(params.fc2, h).squeeze(1);
  }
}

/**
 * Features of unit length, as CLIP has them, with entries of mean square 1, for which layers are initialised.
 *
 * @param features `[B, D]`, each row of unit length
 * @returns the same times sqrt(D)
 */
export function scaledFeatures(features: Tensor): Tensor {
  return features.mul(Math.sqrt(features.shape[1]));
}

/**
 * A head that was trained on the features of a frozen CLIP, as a {@linkcode Reward}: the gradient with respect to the
 * images goes through the CLIP.
 *
 * @param encoder what gives features of unit length of images and of prompts
 * @param head the head
 * @param params its parameters; it was trained on {@linkcode scaledFeatures}
 * @returns the reward
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { contrastiveEncoder, ContrastiveModel, featureReward, PreferenceHead } from "@dipp/rewards";
 * import { key, tensor, uniform } from "@dipp/tensor";
 *
 * const model = new ContrastiveModel({
 *   image: { channels: [8], features: 8 },
 *   text: { vocab_size: 10, features: 8 },
 * });
 * const head = new PreferenceHead({ image_features: 8, text_features: 8, hidden: 4 });
 * const reward = featureReward(contrastiveEncoder(model, model.init(key(0))), head, head.init(key(1)));
 * const prompts = { ids: tensor([[1, 2], [3, 0]], [2, 2], "i32") };
 * assertEquals(reward.score(uniform(key(2), [2, 3, 8, 8]), prompts).shape, [2]);
 * ```
 */
export function featureReward(encoder: ImageTextEncoder, head: PreferenceHead, params: PreferenceHeadParams): Reward {
  return {
    score: (images, prompts) =>
      head.apply(params, scaledFeatures(encoder.imageFeatures(images)), scaledFeatures(encoder.textFeatures(prompts))),
  };
}
