import { grad, stopGradient } from "@dipp/tensor";
import type { Term } from "./term.ts";

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
    evaluate(batch) {
      const { reward, decoder } = batch.models;
      const { prompts } = batch.source;
      if (!reward) throw new TypeError(`alpha_rew is ${alphaRew} but the objective was given no reward`);
      if (!prompts) throw new TypeError(`alpha_rew is ${alphaRew} but the batch has no prompts`);
      const images = decoder ? decoder.decode(batch.x0) : batch.x0;
      const value = reward.score(images, prompts).mul(-alphaRew);
      return {
        value: stopGradient(value),
        field: stopGradient(grad(value.sum(), [batch.x0])[0]),
      };
    },
  };
}
