import type { Tensor } from "@dipp/tensor";
import { describeReward } from "./description.ts";
import type { Reward } from "./reward.ts";

/**
 * The weighted sum of rewards, itself a reward.
 *
 * @param terms each reward with its weight
 * @returns sum_i weight_i r_i
 * @throws {RangeError} when there is no term or a weight is not finite
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { brightnessReward, targetColorReward, weightedSum } from "@dipp/rewards";
 * import { full, tensor } from "@dipp/tensor";
 *
 * const reward = weightedSum([
 *   { reward: brightnessReward(), weight: 2 },
 *   { reward: targetColorReward([0.5, 0.5, 0.5]), weight: 1 },
 * ]);
 * const ids = tensor([[1]], [1, 1], "i32");
 * assertAlmostEquals(await reward.score(full([1, 3, 4, 4], 0.5), { ids }).item(), 1, 1e-6);
 * ```
 */
export function weightedSum(
  terms: readonly { readonly reward: Reward; readonly weight: number }[],
): Reward {
  if (terms.length === 0) {
    throw new RangeError("weightedSum: expected at least one reward");
  }
  for (const { weight } of terms) {
    if (!Number.isFinite(weight)) {
      throw new RangeError(`weightedSum: a weight is ${weight}`);
    }
  }
  return {
    description: {
      name: "weighted sum",
      options: { weights: terms.map(({ weight }) => weight) },
      members: terms.map(({ reward }) => describeReward(reward)),
    },
    score: (images, prompts) =>
      terms
        .map(({ reward, weight }) => reward.score(images, prompts).mul(weight))
        .reduce((sum: Tensor, term) => sum.add(term)),
  };
}

/**
 * A reward that stops paying beyond `max` (and below `min`): images that are liked enough get no gradient, which is
 * the hinge of ReFL (ImageReward, Xu et al. 2023, where it is relu(2 - r)) and a guard against over-optimisation.
 *
 * @param reward the reward to limit
 * @param bounds `min` and `max`, either may be left out
 * @returns clamp(r, min, max)
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { brightnessReward, clipReward } from "@dipp/rewards";
 * import { ones, tensor } from "@dipp/tensor";
 *
 * const reward = clipReward(brightnessReward(), { max: 0.75 });
 * const ids = tensor([[1]], [1, 1], "i32");
 * assertEquals(await reward.score(ones([1, 3, 4, 4]), { ids }).item(), 0.75);
 * ```
 */
export function clipReward(
  reward: Reward,
  bounds: { readonly min?: number; readonly max?: number },
): Reward {
  const { min, max } = bounds;
  if (min !== undefined && max !== undefined && !(min < max)) {
    throw new RangeError(`clipReward: min ${min} is not below max ${max}`);
  }
  return {
    description: {
      name: "clipped",
      options: { min: min ?? "none", max: max ?? "none" },
      members: [describeReward(reward)],
    },
    score: (images, prompts) => reward.score(images, prompts).clamp(min, max),
  };
}

/**
 * A reward in units of its own spread: (r - mean) / std. With the mean and standard deviation over the un-aligned
 * generator's images, alpha_rew means the same for every reward.
 *
 * @param reward the reward
 * @param statistics its mean and standard deviation (positive)
 * @returns the standardised reward
 */
export function standardizeReward(
  reward: Reward,
  statistics: { readonly mean: number; readonly std: number },
): Reward {
  const { mean, std } = statistics;
  if (!(std > 0) || !Number.isFinite(std) || !Number.isFinite(mean)) {
    throw new RangeError(
      `standardizeReward: mean ${mean} and std ${std} are not finite numbers with std > 0`,
    );
  }
  return {
    description: { name: "standardised", options: { mean, std }, members: [describeReward(reward)] },
    score: (images, prompts) => reward.score(images, prompts).sub(mean).div(std),
  };
}
