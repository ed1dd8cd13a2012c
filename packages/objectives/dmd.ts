import { z } from "zod";
import { perSample } from "./per_sample.ts";
import {
  type ConfigSchema,
  type DiffusionConfig,
  diffusionFields,
  type Recipe,
  type RewardedConfig,
  rewardField,
} from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";
import { fieldTerm, type Term } from "./term.ts";

/** The configuration of {@linkcode dmd}. */
export interface DMDConfig extends DiffusionConfig, RewardedConfig {
  /** The paper's field (`dmd`), or that of the second paper's code (`dmd2`), which has no factor alpha_t. */
  readonly name: "dmd" | "dmd2";
}

const schemaOf = <Name extends DMDConfig["name"]>(name: Name) =>
  z.strictObject({ name: z.literal(name), ...rewardField, ...diffusionFields });

/** What a {@linkcode DMDConfig} of the first paper must look like. */
export const dmdSchema: ConfigSchema<DMDConfig & { readonly name: "dmd" }> = schemaOf("dmd");

/** What a {@linkcode DMDConfig} of the second paper must look like. */
export const dmd2Schema: ConfigSchema<DMDConfig & { readonly name: "dmd2" }> = schemaOf("dmd2");

/**
 * Distribution matching distillation (Yin et al., arXiv 2311.18828, equations 7 and 8): field on x0
 *
 *     alpha_t (x0_fake - x0~_ref) / mean |x0 - x0~_ref|
 *
 * in the units of denoised images; DMD2 (arXiv 2405.14867) leaves alpha_t away. Each sample's field is normalised by
 * its distance from the teacher's image, and averaged over channels and pixels. No gradient passes through the
 * networks. DMD's regression to pairs is `regressionTerm`, DMD2's GAN term is `ganTerm`: both are added to this one.
 *
 * @param name which of the two
 * @returns the term, named as asked
 */
export function dmdTerm(name: DMDConfig["name"]): Term {
  return {
    name,
    role: "divergence",
    needs: ["teacher", "fake"],
    evaluate(batch) {
      const gap = batch.fake.x0.sub(batch.guided.x0);
      const g = gap.div(perSample(batch.distance(1e-8), gap));
      return fieldTerm(name === "dmd" ? g.mul(perSample(batch.level.alpha, g)) : g, "mean");
    },
  };
}

/** Distribution matching distillation, and a reward where one is asked for. */
export function dmd({ name, guidance, alpha_rew }: DMDConfig): Recipe {
  return { terms: [dmdTerm(name), ...(alpha_rew > 0 ? [rewardTerm(alpha_rew)] : [])], guidance };
}
