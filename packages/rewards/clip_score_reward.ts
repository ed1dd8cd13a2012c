import type { Tensor } from "@dipp/tensor";
import { clipCosineReward, type ClipRewardOptions } from "./clip_rewards.ts";
import { CLIP_CONFIGS } from "./networks/clip_presets.ts";
import type { RewardWeights } from "./networks/frozen.ts";
import type { PixelReward } from "./pixel_reward.ts";
import { CLIP_PREPROCESS } from "./preprocess/preprocess.ts";

/**
 * Which number is called CLIPScore: that of Hessel et al. 2021 (ViT-B/32, 2.5 max(cos, 0)), ImageReward's column CLIP
 * (ViT-L/14, cos), that of GigaGAN and DMD2 (ViT-g/14, cos, on images that were brought to 256 pixels by Lanczos), or
 * 100 cos, which tables of one-step generators print without saying of which model (here ViT-L/14 unless told).
 */
export type ClipScoreVariant = "hessel" | "image_reward" | "dmd2" | "percent";

/** Settings of {@linkcode clipScoreReward}. */
export interface ClipScoreOptions extends ClipRewardOptions {
  /** Which number. Default "hessel". */
  readonly variant?: ClipScoreVariant;
}

interface Variant {
  readonly model: keyof typeof CLIP_CONFIGS;
  readonly prefix: string;
  readonly scale: (cosine: Tensor) => Tensor;
}

const PREFIX = "A photo depicts ";

const VARIANTS: Readonly<Record<ClipScoreVariant, Variant>> = {
  hessel: { model: "ViT-B/32", prefix: PREFIX, scale: (cosine) => cosine.relu().mul(2.5) },
  image_reward: { model: "ViT-L/14", prefix: "", scale: (cosine) => cosine },
  dmd2: { model: "ViT-g/14", prefix: PREFIX, scale: (cosine) => cosine },
  percent: { model: "ViT-L/14", prefix: "", scale: (cosine) => cosine.mul(100) },
};

/**
 * CLIPScore in the variants that are in use. Where the variant begins every text with "A photo depicts ", the tokenizer
 * is given such texts, and ids that the prompts bring are asked for under the name "clip_photo" instead of "clip".
 *
 * @param weights the checkpoint of the variant's model, of transformers, open_clip or OpenAI
 * @param options see {@linkcode ClipScoreOptions}
 * @returns the reward
 * @throws {RangeError} when there is no such variant, or listing weights that do not fit
 */
export async function clipScoreReward(
  weights: RewardWeights,
  options: ClipScoreOptions = {},
): Promise<PixelReward> {
  const { variant = "hessel", tokenizer } = options;
  if (!Object.hasOwn(VARIANTS, variant)) {
    throw new RangeError(`clipScoreReward: variant is "${variant}", expected ${Object.keys(VARIANTS).join(", ")}`);
  }
  const { model, prefix, scale } = VARIANTS[variant];
  return await clipCosineReward(weights, {
    name: "CLIPScore",
    config: CLIP_CONFIGS[model],
    preprocess: CLIP_PREPROCESS,
    scale,
    described: { variant, model: options.config ? "given" : model, prefix },
  }, {
    tokens: prefix ? "clip_photo" : "clip",
    ...options,
    ...(tokenizer ? { tokenizer: (texts) => tokenizer(texts.map((text) => prefix + text)) } : {}),
  });
}
