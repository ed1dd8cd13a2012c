import { frechetDistance, GaussianFit } from "@dipp/metrics";
import { byKind } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";

/** What is measured, on stored features. */
export const metrics = byKind({ fid });

function fid(one: GoldenCase): Record<string, ArrayLike<number>> {
  const fit = (name: string) => {
    const [, dim] = one.input(name).shape;
    const result = new GaussianFit(dim);
    result.update(one.inputs.get(name)!.toFloat32());
    return result;
  };
  const [real, fake] = [fit("features_real"), fit("features_fake")];
  const terms = frechetDistance(real, fake);
  return {
    fid: [terms.distance],
    mean_term: [terms.meanTerm],
    trace_sqrt: [terms.traceSqrt],
    mean_real: real.mean,
    cov_trace_real: [terms.traceA],
    cov_trace_fake: [terms.traceB],
  };
}
