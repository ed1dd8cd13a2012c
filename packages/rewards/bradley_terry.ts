import { fold, type Tensor } from "@dipp/tensor";
import { z } from "zod";
import { ImageEncoder, type ImageEncoderConfig, type ImageEncoderParams, imageEncoderSchema } from "./image_encoder.ts";
import { PreferenceHead, type PreferenceHeadParams } from "./preference_head.ts";
import type { Reward } from "./reward.ts";
import { WordEncoder, type WordEncoderConfig, type WordEncoderParams, wordEncoderSchema } from "./word_encoder.ts";

/** The size of a {@linkcode BradleyTerryReward}. */
export interface BradleyTerryConfig {
  /** The image encoder. */
  readonly image: ImageEncoderConfig;
  /** The prompt encoder. */
  readonly text: WordEncoderConfig;
  /** Width of the head's hidden layer. */
  readonly hidden: number;
}

/** A {@linkcode BradleyTerryConfig} before its defaults are filled in. */
export interface BradleyTerryInput {
  /** The image encoder. */
  readonly image?: Partial<ImageEncoderConfig>;
  /** The prompt encoder. */
  readonly text?: Partial<WordEncoderConfig>;
  /** Width of the head's hidden layer. */
  readonly hidden?: number;
}

/** What a {@linkcode BradleyTerryConfig} must look like, and its defaults. */
export const bradleyTerrySchema: z.ZodType<
  BradleyTerryConfig,
  BradleyTerryInput
> = z.strictObject({
  image: imageEncoderSchema.prefault({}),
  text: wordEncoderSchema.prefault({}),
  hidden: z.int().positive().default(128),
});

/** Parameters of a {@linkcode BradleyTerryReward}. */
export type BradleyTerryParams = PreferenceHeadParams & {
  /** The image encoder. */
  image: ImageEncoderParams;
  /** The prompt encoder. */
  text: WordEncoderParams;
};

/**
 * A reward network learned from preference pairs: an image encoder and a prompt encoder, whose features enter a
 * {@linkcode PreferenceHead}; one number an image.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { BradleyTerryReward, bradleyTerryLoss } from "@dipp/rewards";
 * import { key, tensor, uniform } from "@dipp/tensor";
 *
 * const network = new BradleyTerryReward({ image: { channels: [8, 16] }, text: { vocab_size: 10 } });
 * const params = network.init(key(0));
 * const ids = tensor([[1, 2], [3, 0]], [2, 2], "i32");
 * const win = network.apply(params, uniform(key(1), [2, 3, 16, 16]), ids);
 * const lose = network.apply(params, uniform(key(2), [2, 3, 16, 16]), ids);
 * assertEquals(bradleyTerryLoss(win, lose).shape, []);
 * ```
 */
export class BradleyTerryReward {
  /** The size, complete. */
  readonly config: BradleyTerryConfig;
  readonly #image: ImageEncoder;
  readonly #text: WordEncoder;
  readonly #head: PreferenceHead;

  /** Checks the configuration; see {@linkcode bradleyTerrySchema}. */
  constructor(config: BradleyTerryInput = {}) {
    this.config = bradleyTerrySchema.parse(config);
    this.#image = new ImageEncoder(this.config.image);
    this.#text = new WordEncoder(this.config.text);
    const { image, text, hidden } = this.config;
    this.#head = new PreferenceHead({ image_features: image.features, text_features: text.features, hidden });
  }

  /** Fresh parameters from a random key. */
  init(key: Tensor): BradleyTerryParams {
    return {
      image: this.#image.init(fold(key, 0)),
      text: this.#text.init(fold(key, 1)),
      ...this.#head.init(key),
    };
  }

  /**
   * Scores images under prompts.
   *
   * @param params the parameters
   * @param images `[B, C, H, W]` in [0, 1]
   * @param ids token ids `[B, L]` i32, 0 is padding
   * @returns `[B]`
   */
  apply(params: BradleyTerryParams, images: Tensor, ids: Tensor): Tensor {
    return this.#head.apply(params, this.#image.apply(params.image, images), this.#text.apply(params.text, ids));
  }
}

/**
 * The Bradley-Terry loss: -log sigmoid(r_win - r_lose), mean over pairs (Bradley and Terry 1952; equation 1 of
 * ImageReward, Xu et al. 2023). With `target`, the cross entropy between it and sigmoid(r_win - r_lose): a tie is a
 * target of 1/2, half a win for either.
 *
 * @param win scores of the preferred images, `[B]`
 * @param lose scores of the others, `[B]`
 * @param target how likely the first image is the preferred one, `[B]` in [0, 1]; 1 unless told
 * @returns a scalar
 */
export function bradleyTerryLoss(win: Tensor, lose: Tensor, target?: Tensor): Tensor {
  const loss = lose.sub(win).softplus();
  if (target === undefined) return loss.mean();
  return loss.add(win.sub(lose).mul(target.neg().add(1))).mean();
}

/**
 * The share of pairs that a reward orders as preferred, in [0, 1].
 *
 * @param win scores of the preferred images, `[B]`
 * @param lose scores of the others, `[B]`
 * @returns a scalar
 */
export function pairAccuracy(win: Tensor, lose: Tensor): Tensor {
  return win.gt(lose).cast("f32").mean();
}

/**
 * A trained network as a {@linkcode Reward}; its parameters stay as they are, since only the images are differentiated.
 *
 * @param network the network
 * @param params its parameters
 * @returns the reward
 */
export function bradleyTerryReward(
  network: BradleyTerryReward,
  params: BradleyTerryParams,
): Reward {
  return {
    score: (images, prompts) => network.apply(params, images, prompts.ids),
  };
}
