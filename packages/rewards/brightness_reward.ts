import { type Tensor, tensor } from "@dipp/tensor";
import type { Reward } from "./reward.ts";

/** Luma weights of ITU-R BT.601, as in Pillow's "L" mode. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * Likes bright images: the mean BT.601 luma, in [0, 1]. With `sign` -1 it likes dark ones. A reward whose effect
 * anyone can see, for tests and first steps.
 *
 * @param sign 1 for bright, -1 for dark
 * @returns the reward
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { brightnessReward } from "@dipp/rewards";
 * import { full, tensor } from "@dipp/tensor";
 *
 * const ids = tensor([[1]], [1, 1], "i32");
 * const grey = full([1, 3, 8, 8], 0.5);
 * assertAlmostEquals(await brightnessReward().score(grey, { ids }).item(), 0.5, 1e-6);
 * ```
 */
export function brightnessReward(sign: 1 | -1 = 1): Reward {
  return {
    description: { name: "brightness", options: { sign } },
    score: (images: Tensor) => images.mean([2, 3]).mul(tensor(LUMA.map((w) => w * sign))).sum(1),
  };
}
