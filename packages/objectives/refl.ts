import { z } from "zod";
import type { ConfigSchema, Recipe } from "./recipe.ts";
import { rewardOf } from "./reward_term.ts";
import { lossTerm, type Term } from "./term.ts";

/** The configuration of {@linkcode refl}. */
export interface ReFLConfig {
  /** Reward feedback learning. */
  readonly name: "refl";
  /** Weight of the loss. */
  readonly alpha_rew: number;
  /** The reward from which on an image is good enough; 2 in the code, for ImageReward. */
  readonly margin: number;
}

/** What a {@linkcode ReFLConfig} must look like. */
export const reflSchema: ConfigSchema<ReFLConfig> = z.strictObject({
  name: z.literal("refl"),
  alpha_rew: z.number().positive().default(1),
  margin: z.number().default(2),
});

/**
 * Reward feedback learning (Xu et al., arXiv 2304.05977, algorithm 1, with the code's hinge) of a one-step generator:
 *
 *     alpha_rew max(0, margin - r(x0, c))
 *
 * The gradient is the reward's, through the decoder, for samples below the margin. Nothing keeps to the reference.
 *
 * @param config weight and margin
 * @returns the term, named `reward`
 */
export function reflTerm({ alpha_rew, margin }: Pick<ReFLConfig, "alpha_rew" | "margin">): Term {
  return {
    name: "reward",
    role: "reward",
    needs: ["reward"],
    evaluate: (batch) => lossTerm(batch, rewardOf(batch).neg().add(margin).relu().mul(alpha_rew)),
  };
}

/** Reward feedback learning. */
export function refl(config: ReFLConfig): Recipe {
  return { terms: [reflTerm(config)] };
}
