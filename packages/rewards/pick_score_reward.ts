import { clipCosineReward, type ClipRewardOptions } from "./clip_rewards.ts";
import { CLIP_CONFIGS } from "./networks/clip_presets.ts";
import type { RewardWeights } from "./networks/frozen.ts";
import type { PixelReward } from "./pixel_reward.ts";
import { CLIP_PREPROCESS } from "./preprocess/preprocess.ts";

/** Settings of {@linkcode pickScoreReward}. */
export interface PickScoreOptions extends ClipRewardOptions {
  /** exp(logit_scale) times the cosine (about 20), or the cosine that papers print (about 0.2). Default "pickscore". */
  readonly output?: "pickscore" | "cosine";
}

/**
 * PickScore v1 (Kirstain et al. 2023): a fine-tuned ViT-H/14 in transformers' layout, with its processor's crop.
 *
 * @param weights PickScore_v1
 * @param options see {@linkcode PickScoreOptions}
 * @returns the reward
 * @throws {RangeError} listing weights that are missing, unexpected or of another shape
 */
export function pickScoreReward(
  weights: RewardWeights,
  options: PickScoreOptions = {},
): Promise<PixelReward> {
  const { output = "pickscore" } = options;
  return clipCosineReward(weights, {
    name: "PickScore",
    config: CLIP_CONFIGS["ViT-H/14"],
    preprocess: { ...CLIP_PREPROCESS, crop: "transformers" },
    scale: (cosine, inverseTemperature) => output === "cosine" ? cosine : cosine.mul(inverseTemperature),
    described: { output },
  }, options);
}
