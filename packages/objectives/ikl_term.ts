import { perSample, sumPerSample } from "./per_sample.ts";
import type { Term } from "./term.ts";

/**
 * The integral KL divergence of the generator from the reference, Diff-Instruct's gradient (Luo et al. 2023, theorem
 * 3.1; DI++, arXiv 2410.18881): value `w(t) <SG[s_fake - s_ref], x_t>`, field on x0 `w(t) alpha_t (s_fake - s_ref)`.
 *
 * @returns the term, named `ikl`
 */
export function iklTerm(): Term {
  return {
    name: "ikl",
    evaluate(batch) {
      const onXt = batch.scoreDifference(batch.fake, batch.teacher);
      return {
        value: sumPerSample(onXt.mul(batch.xt)),
        field: onXt.mul(perSample(batch.level.alpha, onXt)),
      };
    },
  };
}
