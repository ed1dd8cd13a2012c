/** The rewards that a configuration names. */
import type { RewardConfig } from "../config/reward_schema.ts";
import type { OneStepConfig } from "../stages/one_step_models.ts";
import { memberConfigs } from "./configured_judge.ts";

/**
 * The rewards to measure with: the one that is trained on, `reward`, its members, `reward.NAME`, and the one that is not
 * trained on, `held_out_reward`, with its own.
 *
 * @param config A configuration.
 * @returns The rewards by name, those that there are.
 */
export function configuredRewards(
  { reward, held_out_reward }: Pick<OneStepConfig, "reward" | "held_out_reward">,
): Record<string, RewardConfig> {
  const named = Object.entries({ reward, held_out_reward });
  return Object.fromEntries(
    named.flatMap(([name, config]) => config === null ? [] : [[name, config], ...memberConfigs(name, config)]),
  );
}

/**
 * The name of what a composed reward holds out of training, where it does.
 *
 * @param config The reward.
 * @returns `reward.NAME`; undefined where nothing is held out.
 */
export function heldOutMember(config: RewardConfig | null): string | undefined {
  if (config === null || typeof config === "string" || !("held_out" in config)) return undefined;
  return config.held_out === null ? undefined : `reward.${config.held_out}`;
}
