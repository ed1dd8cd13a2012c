import { perSample, sumPerSample } from "./per_sample.ts";
import type { Term } from "./term.ts";

/**
 * Classifier-free guidance as an implicit reward (DI++'s second theorem): the reward
 * `E_t w(t) [log p_ref(x_t|c) - log p_ref(x_t)]` with weight alpha, whose field on x0 is
 * `-alpha w(t) alpha_t (s_ref(.|c) - s_ref(.|null))`. Added to the IKL term it is Diff-Instruct with the teacher guided
 * by omega = 1 + alpha.
 *
 * @param alpha the reward's weight
 * @returns the term, named `cfg`
 */
export function cfgTerm(alpha: number): Term {
  return {
    name: "cfg",
    evaluate(batch) {
      const onXt = batch.scoreDifference(batch.teacherNull, batch.teacher).mul(alpha);
      return {
        value: sumPerSample(onXt.mul(batch.xt)),
        field: onXt.mul(perSample(batch.level.alpha, onXt)),
      };
    },
  };
}
