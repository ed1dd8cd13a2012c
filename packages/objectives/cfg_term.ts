import { scoreDifferenceTerm, type ScoreWeighting } from "./score_weighting.ts";
import type { Term } from "./term.ts";

/**
 * Classifier-free guidance as an implicit reward (DI++'s second theorem): the reward
 * `E_t w(t) [log p_ref(x_t|c) - log p_ref(x_t)]` with weight alpha, whose field on x0 is
 * `-alpha w(t) alpha_t (s_ref(.|c) - s_ref(.|null))`. Added to the IKL term it is Diff-Instruct with the teacher guided
 * by omega = 1 + alpha.
 *
 * @param alpha the reward's weight
 * @param weighting w(t), normalisation, reduction
 * @returns the term, named `cfg`
 */
export function cfgTerm(alpha: number, weighting: ScoreWeighting): Term {
  return {
    name: "cfg",
    role: "divergence",
    needs: ["teacher"],
    evaluate: (batch) => scoreDifferenceTerm(batch, batch.teacherNull, batch.teacher, weighting, alpha),
  };
}
