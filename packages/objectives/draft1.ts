import { z } from "zod";
import type { ConfigSchema, Recipe } from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";

/** The configuration of {@linkcode draft1}. */
export interface DRaFT1Config {
  /** Direct reward fine-tuning through the last step. */
  readonly name: "draft1";
  /** Weight of the reward. */
  readonly alpha_rew: number;
}

/** What a {@linkcode DRaFT1Config} must look like. */
export const draft1Schema: ConfigSchema<DRaFT1Config> = z.strictObject({
  name: z.literal("draft1"),
  alpha_rew: z.number().positive().default(1),
});

/**
 * Direct reward fine-tuning through the last step (Clark et al., arXiv 2309.17400, DRaFT-K at K = 1), which for a
 * one-step generator is all of it: `-alpha_rew r(x0, c)`. The gradient is the reward's, through the decoder. Nothing
 * keeps to the reference.
 */
export function draft1({ alpha_rew }: DRaFT1Config): Recipe {
  return { terms: [rewardTerm(alpha_rew)] };
}
