import type { Reward } from "./reward.ts";

/** What a reward is and how it was set up: all that changes its scores. A JSON value, for reports. */
export interface RewardDescription {
  /** What it is called. */
  readonly name: string;
  /** Its settings. */
  readonly options: Readonly<Record<string, string | number | boolean | readonly number[]>>;
  /** What it is made of, where it is composed of others. */
  readonly members?: readonly RewardDescription[];
}

/**
 * What a report should say about a reward.
 *
 * @param reward the reward
 * @returns its own description; one that says "unnamed" where it has none
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { brightnessReward, describeReward } from "@dipp/rewards";
 *
 * assertEquals(describeReward(brightnessReward()), { name: "brightness", options: { sign: 1 } });
 * ```
 */
export function describeReward(reward: Reward): RewardDescription {
  return reward.description ?? { name: "unnamed", options: {} };
}
