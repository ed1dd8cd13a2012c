import type { Params } from "@dipp/nn";
import type { Tensor } from "@dipp/tensor";
import type { RewardDescription } from "./description.ts";
import type { Preprocess } from "./preprocess/preprocess.ts";
import type { RgbImage } from "./preprocess/rgb_image.ts";
import type { Prompts, Reward } from "./reward.ts";

/** A reward that is a network on preprocessed pixels. Its `score` takes the differentiable way in. */
export interface PixelReward extends Reward {
  /** Both ways in. */
  readonly preprocess: Preprocess;
  /** Its weights. */
  readonly params: Params;
  /** What it is, with every option that changes its scores. */
  readonly description: RewardDescription;
  /**
   * Scores what is already preprocessed.
   *
   * @param pixelValues normalised, `[B, 3, size, size]`
   * @param prompts the prompt of each image
   * @returns `[B]`
   */
  scorePixels(pixelValues: Tensor, prompts: Prompts): Tensor;
  /**
   * Scores 8-bit pictures as the official code does, for evaluation: through the exact preprocessing.
   *
   * @param images one picture a prompt, of any sizes
   * @param prompts the prompt of each image
   * @returns `[B]`
   */
  scoreExact(images: readonly RgbImage[], prompts: Prompts): Tensor;
}

/**
 * Makes a reward of a network and of the way into it.
 *
 * @param name what it is called in reports
 * @param preprocess both ways in
 * @param scorePixels the network: normalised pixels and prompts to `[B]`
 * @param options what else changes its scores, for reports
 * @param params the network's weights
 * @returns the reward
 */
export function pixelReward(
  name: string,
  preprocess: Preprocess,
  scorePixels: (pixelValues: Tensor, prompts: Prompts) => Tensor,
  options: RewardDescription["options"],
  params: Params,
): PixelReward {
  const { size, fit, crop, resize, antialias, clamp, mean, std } = preprocess.options;
  return {
    preprocess,
    params,
    description: { name, options: { ...options, size, fit, crop, resize, antialias, clamp, mean, std } },
    scorePixels,
    score: (images, prompts) => scorePixels(preprocess.differentiable(images), prompts),
    scoreExact: (images, prompts) => scorePixels(preprocess.exact(images), prompts),
  };
}
