import { tensor } from "@dipp/tensor";
import type { Reward } from "./reward.ts";

/**
 * Likes images whose mean colour is near a target: minus the squared distance of the mean colour in RGB, at most 0.
 *
 * @param rgb the target, three numbers in [0, 1]
 * @returns the reward
 * @throws {RangeError} when the target is no colour
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { targetColorReward } from "@dipp/rewards";
 * import { full, tensor } from "@dipp/tensor";
 *
 * const ids = tensor([[1]], [1, 1], "i32");
 * const grey = full([1, 3, 8, 8], 0.5);
 * assertAlmostEquals(await targetColorReward([1, 0.5, 0.5]).score(grey, { ids }).item(), -0.25, 1e-6);
 * ```
 */
export function targetColorReward(rgb: readonly number[]): Reward {
  if (rgb.length !== 3 || !rgb.every((x) => x >= 0 && x <= 1)) {
    throw new RangeError(
      `targetColorReward: expected three numbers in [0, 1], got [${rgb}]`,
    );
  }
  const target = tensor([...rgb]);
  return {
    description: { name: "target-colour", options: { rgb } },
    score: (images) => images.mean([2, 3]).sub(target).square().sum(1).neg(),
  };
}
