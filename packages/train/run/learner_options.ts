/** From a configuration's words to a learner's. */
import type { Precision } from "@dipp/nn";
import type { OptimizerConfig } from "../config/fields.ts";
import { Learner } from "./learner.ts";

/**
 * Makes the learner that a configuration asks for.
 *
 * @param config The optimiser's part of it.
 * @param steps Steps of the run, where a decaying learning rate ends.
 * @param precision What is computed in.
 * @returns The learner.
 */
export function makeLearner(config: OptimizerConfig, steps: number, precision: Precision): Learner {
  const { name, warmup_steps } = config.schedule;
  return new Learner({
    lr: config.lr,
    betas: config.betas,
    eps: config.eps,
    weightDecay: config.weight_decay,
    maxGradNorm: config.max_grad_norm,
    emaDecay: config.ema_decay,
    precision,
    schedule: { name, warmupSteps: warmup_steps, totalSteps: Math.max(steps, warmup_steps) },
  });
}
