import { z } from "zod";
import { type NoiseWeight, noiseWeight } from "./noise_weight.ts";
import { perSample } from "./per_sample.ts";
import {
  type ConfigSchema,
  type DiffusionConfig,
  diffusionFields,
  type Recipe,
  type RewardedConfig,
  rewardField,
  weightField,
} from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";
import { fieldTerm, type Term } from "./term.ts";

/** The configuration of {@linkcode sds}. */
export interface SDSConfig extends DiffusionConfig, RewardedConfig {
  /** Score distillation sampling. */
  readonly name: "sds";
  /** w(t) on the noise difference. */
  readonly weight: NoiseWeight;
}

/** What an {@linkcode SDSConfig} must look like. */
export const sdsSchema: ConfigSchema<SDSConfig> = z.strictObject({
  name: z.literal("sds"),
  ...rewardField,
  ...diffusionFields,
  weight: weightField("sigma2"),
});

/**
 * Score distillation sampling (Poole et al., arXiv 2209.14988, equation 3): field on x0
 *
 *     w(t) (eps~_ref(x_t|c) - eps)
 *
 * The noise stands where the fake score's noise stands in VSD, so there is nothing that keeps samples apart: it seeks
 * the modes of the (guided) reference. No gradient passes through the network, and the factor alpha_t is in w(t).
 *
 * @param weight w(t)
 * @returns the term, named `sds`
 */
export function sdsTerm(weight: NoiseWeight): Term {
  return {
    name: "sds",
    role: "divergence",
    needs: ["teacher"],
    evaluate(batch) {
      const difference = batch.guided.eps.sub(batch.source.eps);
      return fieldTerm(difference.mul(perSample(noiseWeight(weight, batch.level), difference)), "sum");
    },
  };
}

/** Score distillation sampling, and a reward where one is asked for. */
export function sds({ weight, guidance, alpha_rew }: SDSConfig): Recipe {
  return { terms: [sdsTerm(weight), ...(alpha_rew > 0 ? [rewardTerm(alpha_rew)] : [])], guidance };
}
