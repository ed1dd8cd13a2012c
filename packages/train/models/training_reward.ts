/** The reward that a full-size model is aligned with, by name. */
import type { Params } from "@dipp/nn";
import {
  brightnessReward,
  colorfulnessReward,
  compressibilityReward,
  type Prompts,
  type Reward,
  type WeightDType,
} from "@dipp/rewards";
import type { Tensor } from "@dipp/tensor";
import { cacheFolder } from "../evaluate/cache.ts";
import { loadPaperReward, PAPER_REWARDS, type PaperReward, planPaperReward } from "./paper_rewards.ts";

/** Rewards that are formulas: they need no weights, and read no prompts. */
const FORMULAS: Readonly<Record<string, () => Reward>> = {
  brightness: brightnessReward,
  colorfulness: colorfulnessReward,
  compressibility: compressibilityReward,
};

/** The names of all rewards. */
export const REWARD_NAMES: readonly string[] = [...PAPER_REWARDS, ...Object.keys(FORMULAS)];

/** What a configuration says of a reward. */
export interface RewardConfig {
  /** One of {@linkcode REWARD_NAMES}. */
  readonly name: string;
  /** Where released weights lie, by the names of their repositories; by default where `evaluate` looks for them. */
  readonly weights: string | null;
  /** How they lie on the device. */
  readonly dtype: WeightDType;
}

/** A reward, and what it reads of prompts. */
export interface TrainingReward {
  /** Its name for people. */
  readonly label: string;
  /** The reward. */
  readonly reward: Reward;
  /** Its weights; none of a formula's. */
  readonly params: Params;
  /** Token ids of a prompt that it is given, at least one, even where it reads none. */
  readonly length: number;
  /** Token ids of prompts, `[N, length]` row-major. */
  encode(texts: readonly string[]): Int32Array;
  /** Token ids as the reward asks for them. */
  prompts(ids: Tensor): Prompts;
}

/**
 * Loads a reward.
 *
 * @param config Its name, and where its weights are.
 * @returns The reward.
 * @throws {ConfigError} If its weights are not there.
 */
export async function loadTrainingReward({ name, weights, dtype }: RewardConfig): Promise<TrainingReward> {
  if (Object.hasOwn(FORMULAS, name)) return formula(name);
  const reward = await loadPaperReward(name, weights ?? cacheFolder("weights"), dtype);
  const length = reward.encode?.([""]).length ?? 1;
  return described(reward, length, (texts) => reward.encode?.(texts).ids ?? new Int32Array(texts.length));
}

/**
 * A reward in shape only, to plan with; nothing needs to be there.
 *
 * @param config Its name.
 * @returns The reward.
 */
export async function planTrainingReward({ name, weights, dtype }: RewardConfig): Promise<TrainingReward> {
  if (Object.hasOwn(FORMULAS, name)) return formula(name);
  const { length, ...reward } = await planPaperReward(name, weights, dtype);
  return described(reward, length, (texts) => new Int32Array(texts.length * length));
}

function formula(name: string): TrainingReward {
  return {
    label: name,
    reward: FORMULAS[name](),
    params: {},
    length: 1,
    encode: (texts) => new Int32Array(texts.length),
    prompts: (ids) => ({ ids }),
  };
}

function described(
  { label, reward, tokens }: PaperReward,
  length: number,
  encode: TrainingReward["encode"],
): TrainingReward {
  const prompts = (ids: Tensor) => ({ ids, ...(tokens !== undefined && { tokens: { [tokens]: ids } }) });
  return { label, reward, params: reward.params, length, encode, prompts };
}
