import { z } from "zod";
import { cfgTerm } from "./cfg_term.ts";
import { iklTerm } from "./ikl_term.ts";
import { type ConfigSchema, type DiffusionConfig, diffusionFields, type Recipe, weightField } from "./recipe.ts";
import type { ScoreWeighting } from "./score_weighting.ts";

/** The configuration of {@linkcode diffInstruct}. */
export interface DiffInstructConfig extends DiffusionConfig, ScoreWeighting {
  /** By the divergence that it descends. */
  readonly name: "ikl";
}

/** The fields of a {@linkcode ScoreWeighting}: by default that of DMD2's field, summed. */
export const weightingFields = {
  weight: weightField("sigma2_over_alpha2"),
  normalization: z.enum(["none", "dmd"]).default("dmd"),
  reduction: z.enum(["sum", "mean"]).default("sum"),
};

/** What a {@linkcode DiffInstructConfig} must look like. */
export const diffInstructSchema: ConfigSchema<DiffInstructConfig> = z.strictObject({
  name: z.literal("ikl"),
  ...diffusionFields,
  ...weightingFields,
});

/**
 * Diff-Instruct (Luo et al., arXiv 2305.18455, theorem 3.1): descends the integral KL divergence,
 *
 *     w(t) <SG[s_fake(x_t|c) - s~_ref(x_t|c)], x_t>
 *
 * with the teacher guided where guidance is asked for.
 */
export function diffInstruct(config: DiffInstructConfig): Recipe {
  const { guidance } = config;
  return { terms: [iklTerm(config), ...(guidance.alpha > 0 ? [cfgTerm(guidance.alpha, config)] : [])], guidance };
}
