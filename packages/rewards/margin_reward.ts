import type { Reward } from "./reward.ts";
import { describeReward } from "./description.ts";

/**
 * ReFL's hinge as a reward (ImageReward, Xu et al. 2023, where the loss is relu(2 - r)): minus what is missing to the
 * margin, and no gradient beyond it.
 *
 * @param reward the reward
 * @param margin where it stops paying. Default 2, which few images of a text-to-image model reach.
 * @returns -relu(margin - r)
 * @throws {RangeError} when the margin is not finite
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linearReward, marginReward } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const reward = marginReward(linearReward(tensor([1])));
 * const ids = tensor([[1]], [1, 1], "i32");
 * assertEquals([...await reward.score(tensor([[0.5], [3]]), { ids }).data()], [-1.5, 0]);
 * ```
 */
export function marginReward(reward: Reward, margin = 2): Reward {
  if (!Number.isFinite(margin)) throw new RangeError(`marginReward: margin is ${margin}, expected a finite number`);
  return {
    description: { name: "margin", options: { margin }, members: [describeReward(reward)] },
    score: (images, prompts) => reward.score(images, prompts).neg().add(margin).relu().mul(-1),
  };
}
