import { z } from "zod";
import { perSample, sumPerSample } from "./per_sample.ts";
import {
  type ConfigSchema,
  type DiffusionConfig,
  diffusionFields,
  type Recipe,
  type RewardedConfig,
  rewardField,
} from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";
import { lossTerm, type Term } from "./term.ts";

/** The configuration of {@linkcode sid}. */
export interface SiDConfig extends DiffusionConfig, RewardedConfig {
  /** Score identity distillation. */
  readonly name: "sid";
  /** How much of the squared difference is taken away: 1.2 in most of the paper's runs, 1 in some. */
  readonly alpha: number;
}

/** What a {@linkcode SiDConfig} must look like. */
export const sidSchema: ConfigSchema<SiDConfig> = z.strictObject({
  name: z.literal("sid"),
  ...rewardField,
  ...diffusionFields,
  alpha: z.number().nonnegative().default(1.2),
});

/**
 * Score identity distillation (Zhou et al., arXiv 2404.04057, equation 23): with the denoised images x_ref and x_fake,
 *
 *     <x~_ref - x_fake, (x~_ref - x0) - alpha (x~_ref - x_fake)> / SG[mean |x0 - x~_ref|]
 *
 * The gradient passes through both networks at x_t, whose weights are frozen, and through x0; only the normaliser is
 * cut. At alpha 1 it is SIM's loss for the squared distance.
 *
 * @param alpha how much of the squared difference is taken away
 * @returns the term, named `sid`
 */
export function sidTerm(alpha: number): Term {
  return {
    name: "sid",
    role: "divergence",
    needs: ["teacher", "fake"],
    evaluate(batch) {
      const { x0, guided: { x0: ref }, fake } = batch;
      const gap = ref.sub(fake.x0);
      const product = gap.mul(ref.sub(x0).sub(gap.mul(alpha)));
      return lossTerm(batch, sumPerSample(product.div(perSample(batch.distance(1e-5), product))));
    },
  };
}

/** Score identity distillation, and a reward where one is asked for. */
export function sid({ alpha, guidance, alpha_rew }: SiDConfig): Recipe {
  return { terms: [sidTerm(alpha), ...(alpha_rew > 0 ? [rewardTerm(alpha_rew)] : [])], guidance };
}
