/** The measurement that a one-step configuration asks for. */
import type { ImageTextEncoder, Reward } from "@dipp/rewards";
import type { ImageTextData } from "../data.ts";
import { compiledReward } from "../models/judges.ts";
import { Evaluation } from "../run/evaluation.ts";
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
  reward?: Reward,
  encoder?: ImageTextEncoder,
): Evaluation {
  const { seed, images_per_prompt, train_prompts, batch_size } = config.evaluation;
  return new Evaluation({
    data,
    vocabulary,
    ...(reward ? { reward: compiledReward(reward) } : {}),
    ...(encoder ? { encoder } : {}),
    seed,
    imagesPerPrompt: images_per_prompt,
    trainPrompts: train_prompts,
    batchSize: batch_size,
  });
}
