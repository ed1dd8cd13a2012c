import { meanPerSample } from "./per_sample.ts";
import { lossTerm, type Term } from "./term.ts";

/**
 * DMD's regularisation (Yin et al., arXiv 2311.18828, section 3.3): `weight mean (x0 - target)^2`, where the batch's
 * `target` is what the teacher's sampler makes of the same noise. The paper measures with LPIPS; this is the squared
 * distance.
 *
 * @param weight 0.25 in the paper
 * @returns the term, named `regression`
 */
export function regressionTerm(weight: number): Term {
  return {
    name: "regression",
    role: "regulariser",
    needs: [],
    evaluate(batch) {
      const { target } = batch.source;
      if (!target) {
        throw new TypeError("The regression term needs the teacher's samples as target, got none in the batch");
      }
      return lossTerm(batch, meanPerSample(batch.x0.sub(target).square()).mul(weight));
    },
  };
}
