import { scoreDifferenceTerm, type ScoreWeighting } from "./score_weighting.ts";
import type { Term } from "./term.ts";

/**
 * The integral KL divergence of the generator from the reference, Diff-Instruct's gradient (Luo et al. 2023, theorem
 * 3.1; DI++, arXiv 2410.18881): value `w(t) <SG[s_fake - s_ref], x_t>`, field on x0 `w(t) alpha_t (s_fake - s_ref)`.
 * No gradient passes through the networks.
 *
 * @param weighting w(t), normalisation, reduction
 * @returns the term, named `ikl`
 */
export function iklTerm(weighting: ScoreWeighting): Term {
  return {
    name: "ikl",
    role: "divergence",
    needs: ["teacher", "fake"],
    evaluate: (batch) => scoreDifferenceTerm(batch, batch.fake, batch.teacher, weighting),
  };
}
