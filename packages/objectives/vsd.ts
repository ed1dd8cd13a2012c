import { z } from "zod";
import type { Guidance } from "./guidance.ts";
import { type NoiseWeight, noiseWeight } from "./noise_weight.ts";
import { perSample } from "./per_sample.ts";
import {
  type ConfigSchema,
  type DiffusionConfig,
  diffusionFields,
  guidanceField,
  type Recipe,
  type RewardedConfig,
  rewardField,
  weightField,
} from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";
import { fieldTerm, type Term } from "./term.ts";

/** The configuration of {@linkcode vsd}. */
export interface VSDConfig extends DiffusionConfig, RewardedConfig {
  /** Variational score distillation. */
  readonly name: "vsd";
  /** w(t) on the noise difference. */
  readonly weight: NoiseWeight;
  /** Guidance of the fake score where it is evaluated; SwiftBrush guides both networks alike. */
  readonly fake_guidance: Guidance;
}

/** What a {@linkcode VSDConfig} must look like. */
export const vsdSchema: ConfigSchema<VSDConfig> = z.strictObject({
  name: z.literal("vsd"),
  ...rewardField,
  ...diffusionFields,
  weight: weightField("sigma2"),
  fake_guidance: guidanceField,
});

/**
 * Variational score distillation (Wang et al., arXiv 2305.16213, equation 9) with SwiftBrush's weighting (Nguyen and
 * Tran, arXiv 2312.05239): field on x0
 *
 *     w(t) (eps~_ref(x_t|c) - eps~_fake(x_t|c)),   w(t) = sigma_t^2
 *
 * which is Diff-Instruct's, `w sigma (s_fake - s_ref)`, without the factor alpha_t. No gradient passes through the
 * networks.
 *
 * @param weight w(t)
 * @returns the term, named `vsd`
 */
export function vsdTerm(weight: NoiseWeight): Term {
  return {
    name: "vsd",
    role: "divergence",
    needs: ["teacher", "fake"],
    evaluate(batch) {
      const difference = batch.guided.eps.sub(batch.fake.eps);
      return fieldTerm(difference.mul(perSample(noiseWeight(weight, batch.level), difference)), "sum");
    },
  };
}

/** Variational score distillation, and a reward where one is asked for. */
export function vsd({ weight, guidance, fake_guidance, alpha_rew }: VSDConfig): Recipe {
  const terms = [vsdTerm(weight), ...(alpha_rew > 0 ? [rewardTerm(alpha_rew)] : [])];
  return { terms, guidance, fakeGuidance: fake_guidance };
}
