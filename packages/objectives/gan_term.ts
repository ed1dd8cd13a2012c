import type { Tensor } from "@dipp/tensor";
import { stopGradient } from "@dipp/tensor";
import { addNoise, type Cond, noiseLevel, type NoiseSchedule } from "@dipp/scores";
import { meanPerSample } from "./per_sample.ts";
import type { Discriminator } from "./objective.ts";
import { lossTerm, type Term } from "./term.ts";

/**
 * DMD2's diffusion GAN (Yin et al., arXiv 2405.14867, section 4.3), the generator's side: `weight softplus(-D(x_t))`, on
 * the noised sample that the other terms see. The gradient passes through the discriminator, whose weights are frozen.
 *
 * @param weight 1e-3 for SD1.5, 5e-3 for SDXL in the paper's code
 * @returns the term, named `gan`
 */
export function ganTerm(weight: number): Term {
  return {
    name: "gan",
    role: "regulariser",
    needs: ["teacher", "discriminator"],
    evaluate(batch) {
      const { models: { discriminator }, source: { t, cond } } = batch;
      return lossTerm(batch, perImage(discriminator!.logits(batch.xt, t, cond).neg().softplus()).mul(weight));
    },
  };
}

/**
 * The discriminator's side: `softplus(D(fake_t)) + softplus(-D(real_t))`, mean over the batch. Its optimum is the
 * logarithm of the ratio of the noised densities, real to generated.
 *
 * @param batch generated samples and real ones `[B, ...]`, one noise level and one noise for both, condition
 * @param discriminator what is trained
 * @param schedule the forward process
 * @returns a scalar
 */
export function discriminatorLoss(
  batch: {
    readonly x0: Tensor;
    readonly real: Tensor;
    readonly t: Tensor;
    readonly eps: Tensor;
    readonly cond: Cond;
  },
  discriminator: Discriminator,
  schedule: NoiseSchedule,
): Tensor {
  const { x0, real, t, eps, cond } = batch;
  const level = noiseLevel(schedule, t);
  const logits = (x: Tensor) => discriminator.logits(addNoise(stopGradient(x), eps, level), t, cond);
  return perImage(logits(x0).softplus()).add(perImage(logits(real).neg().softplus())).mean();
}

function perImage(logits: Tensor): Tensor {
  return logits.ndim === 1 ? logits : meanPerSample(logits);
}
