import { z } from "zod";
import { cfgTerm } from "./cfg_term.ts";
import { weightingFields } from "./diff_instruct.ts";
import { iklTerm } from "./ikl_term.ts";
import {
  type ConfigSchema,
  type DiffusionConfig,
  diffusionFields,
  type Recipe,
  type RewardedConfig,
  rewardField,
} from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";
import type { ScoreWeighting } from "./score_weighting.ts";
import type { Term } from "./term.ts";

/** The configuration of {@linkcode diffInstructPP}. */
export interface DiffInstructPPConfig extends DiffusionConfig, RewardedConfig, ScoreWeighting {
  /** The objective that the project is named after, and the default. */
  readonly name: "dipp";
  /** Whether the integral KL term is there. Without it the reward is free to be hacked: for ablations only. */
  readonly kl: boolean;
}

/** What a {@linkcode DiffInstructPPConfig} must look like. */
export const diffInstructPPSchema: ConfigSchema<DiffInstructPPConfig> = z.strictObject({
  name: z.literal("dipp"),
  ...rewardField,
  ...diffusionFields,
  kl: z.boolean().default(true),
  ...weightingFields,
}).refine((c) => c.kl || c.alpha_rew > 0 || c.guidance.alpha > 0, {
  error: "with kl false there must be a reward, got alpha_rew 0 and no guidance",
  path: ["alpha_rew"],
});

/**
 * Diff-Instruct++ (Luo, arXiv 2410.18881): the integral KL divergence to the reference diffusion, the explicit reward
 * and the implicit reward of classifier-free guidance,
 *
 *     -alpha_rew r(x0, c) + w(t) <SG[s_fake(x_t|c) - s_ref(x_t|c) - alpha_cfg (s_ref(x_t|c) - s_ref(x_t))], x_t>
 *
 * With `alpha_rew` 0 this is Diff-Instruct (Luo et al. 2023). Without guidance the null condition is not evaluated,
 * without a reward no decoder.
 */
export function diffInstructPP(config: DiffInstructPPConfig): Recipe {
  const { alpha_rew, guidance, kl } = config;
  const terms: Term[] = [];
  if (kl) terms.push(iklTerm(config));
  if (guidance.alpha > 0) terms.push(cfgTerm(guidance.alpha, config));
  if (alpha_rew > 0) terms.push(rewardTerm(alpha_rew));
  return { terms, guidance };
}
