import type { Tensor } from "@dipp/tensor";
import type { NoisedBatch } from "./noised_batch.ts";
import { lossTerm, type Term } from "./term.ts";

/** The reward of each sample, `[B]`, differentiable in x0: decoded, then scored. */
export function rewardOf({ x0, models: { reward, decoder }, source: { prompts } }: NoisedBatch): Tensor {
  if (!reward) throw new TypeError("The reward term needs a reward, got none");
  if (!prompts) throw new TypeError("The reward term needs prompts, got none in the batch");
  return reward.score(decoder ? decoder.decode(x0) : x0, prompts);
}

/**
 * The explicit reward: value `-alpha_rew r(decode(x0), c)`, field on x0 its gradient. The reward is differentiated here,
 * once, with respect to a copy of x0 cut from the generator, so that its gradient's norm is known and reward and
 * decoder run backward once.
 *
 * @param alphaRew the reward's weight
 * @returns the term, named `reward`
 */
export function rewardTerm(alphaRew: number): Term {
  return {
    name: "reward",
    role: "reward",
    needs: ["reward"],
    evaluate: (batch) => lossTerm(batch, rewardOf(batch).mul(-alphaRew)),
  };
}
