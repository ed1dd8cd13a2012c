import { clipCosineReward, type ClipRewardOptions } from "./clip_rewards.ts";
import { CLIP_CONFIGS } from "./networks/clip_presets.ts";
import type { RewardWeights } from "./networks/frozen.ts";
import type { PixelReward } from "./pixel_reward.ts";
import { HPSV2_PREPROCESS } from "./preprocess/preprocess.ts";

/** Settings of {@linkcode hpsv2Reward}. */
export interface HPSv2Options extends ClipRewardOptions {
  /** Which release the weights are; only named, the networks are the same. Default "v2.0", that of `hpsv2.score()`. */
  readonly version?: "v2.0" | "v2.1";
  /** The plain cosine, as `hpsv2.score()` returns, or 100 times it, as the benchmark prints. Default "cosine". */
  readonly output?: "cosine" | "benchmark";
}

/**
 * Human Preference Score v2 (Wu et al. 2023): the cosine of a fine-tuned ViT-H/14 with the exact GELU. Images are resized
 * after `ToTensor`, the longer side to 224, and padded with zeros.
 *
 * @param weights HPS_v2_compressed or HPS_v2.1_compressed, the entries of its `state_dict`
 * @param options see {@linkcode HPSv2Options}
 * @returns the reward
 * @throws {RangeError} listing weights that are missing, unexpected or of another shape
 */
export function hpsv2Reward(
  weights: RewardWeights,
  options: HPSv2Options = {},
): Promise<PixelReward> {
  const { version = "v2.0", output = "cosine" } = options;
  return clipCosineReward(weights, {
    name: "HPSv2",
    config: CLIP_CONFIGS["ViT-H/14"],
    preprocess: HPSV2_PREPROCESS,
    scale: (cosine) => output === "benchmark" ? cosine.mul(100) : cosine,
    described: { version, output },
  }, options);
}
