/** The measurement that a one-step configuration asks for. */
import type { ImageTextEncoder, Reward } from "@dipp/rewards";
import type { ImageTextData } from "../data.ts";
import type { ConfiguredReward } from "../models/configured_reward.ts";
import { compiledReward } from "../models/judges.ts";
import { Evaluation } from "../run/evaluation.ts";
import { RewardPrompts } from "../run/reward_prompts.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { OneStepConfig } from "./one_step_models.ts";

/**
 * Makes it.
 *
 * @param config The configuration.
 * @param data The data set.
 * @param vocabulary The models' words.
 * @param reward The reward, where there is one.
 * @param encoder The contrastive model, where there is one.
 * @returns What measures generators.
 */
export function makeEvaluation(
  config: OneStepConfig,
  data: ImageTextData,
  vocabulary: Vocabulary,
  reward?: ConfiguredReward,
  encoder?: ImageTextEncoder,
): Evaluation {
  const { seed, images_per_prompt, train_prompts, batch_size } = config.evaluation;
  const asked = new RewardPrompts(reward?.tokens ?? [], data.prompts, vocabulary);
  const compiled = (one: Reward) => asked.ofTexts(compiledReward(one));
  return new Evaluation({
    data,
    vocabulary,
    ...(reward ? { reward: compiled(reward.reward) } : {}),
    members: Object.fromEntries(
      Object.entries(reward?.members ?? {}).map(([name, member]) => [name, compiled(member.reward)]),
    ),
    ...(encoder ? { encoder } : {}),
    seed,
    imagesPerPrompt: images_per_prompt,
    trainPrompts: train_prompts,
    batchSize: batch_size,
  });
}
