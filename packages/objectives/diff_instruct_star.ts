import { z } from "zod";
import { cfgTerm } from "./cfg_term.ts";
import {
  type ConfigSchema,
  type DiffusionConfig,
  diffusionFields,
  type Recipe,
  type RewardedConfig,
  rewardField,
} from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";
import { distanceFields, type SIMDistance, simTerm } from "./sim.ts";
import type { Term } from "./term.ts";

/** The configuration of {@linkcode diffInstructStar}. */
export interface DiffInstructStarConfig extends DiffusionConfig, RewardedConfig, SIMDistance {
  /** Diff-Instruct*. */
  readonly name: "distar";
  /** `inside`: the distance is to the guided teacher; `outside`: the implicit CFG reward is a term beside it. */
  readonly cfg: "inside" | "outside";
}

/** What a {@linkcode DiffInstructStarConfig} must look like. */
export const diffInstructStarSchema: ConfigSchema<DiffInstructStarConfig> = z.strictObject({
  name: z.literal("distar"),
  ...rewardField,
  ...diffusionFields,
  ...distanceFields,
  cfg: z.enum(["inside", "outside"]).default("inside"),
});

/**
 * Diff-Instruct* (Luo et al., arXiv 2410.20898): score implicit matching in place of the integral KL divergence,
 *
 *     -alpha_rew r(x0, c) + SIM(s_fake, s~_ref)                                                      CFG inside
 *     -alpha_rew r(x0, c) + SIM(s_fake, s_ref) - alpha_cfg w(t) <SG[s_ref(.|c) - s_ref(.|null)], x_t>   outside
 *
 * Inside does better in the paper's table. The gradient passes through the networks in SIM, not in the CFG term.
 */
export function diffInstructStar(config: DiffInstructStarConfig): Recipe {
  const { alpha_rew, guidance, cfg, weight } = config;
  const terms: Term[] = [simTerm(config, cfg === "inside" ? "guided" : "teacher")];
  if (cfg === "outside" && guidance.alpha > 0) {
    terms.push(cfgTerm(guidance.alpha, { weight, normalization: "none", reduction: "sum" }));
  }
  if (alpha_rew > 0) terms.push(rewardTerm(alpha_rew));
  return { terms, guidance };
}
