import { stopGradient, type Tensor } from "@dipp/tensor";
import { NoisedBatch, type NoisedBatchSettings } from "./noised_batch.ts";
import type { Objective } from "./objective.ts";
import { normPerSample, sumPerSample } from "./per_sample.ts";
import type { Term } from "./term.ts";

/**
 * Adds terms up to an objective. The loss has the value of the sum, mean over the batch, and the gradient of the
 * summed fields on x0; no network but the generator is on its path.
 *
 * Diagnostics, each a scalar: `loss/TERM`; `field_norm/TERM`, the Euclidean norm of one sample's gradient field on x0,
 * mean over the batch, so independent of the batch size; `field_norm/kl`, the same for the distillation terms together
 * (IKL and CFG: the guided divergence); `field_ratio/reward_to_kl`, the control knob of alignment; and
 * `denoised_gap`, mean |x0_fake - x0_teacher|, which runs away when the generator does.
 *
 * @param terms the summands
 * @param settings w(t), reduction, normalisation, guidance
 * @returns the objective
 *
 * @example
 * ```ts
 * import { iklTerm, rewardTerm, sumTerms } from "@dipp/objectives";
 * import { assertEquals } from "@std/assert";
 *
 * const weight = { name: "sigma2", scale: 1, sigma_data: 0.5 } as const;
 * const objective = sumTerms([iklTerm(), rewardTerm(10)], {
 *   weight,
 *   reduction: "sum",
 *   normalization: "none",
 *   alpha: 0,
 * });
 * assertEquals(typeof objective.generatorLoss, "function");
 * ```
 */
export function sumTerms(terms: readonly Term[], settings: NoisedBatchSettings): Objective {
  if (terms.length === 0) throw new RangeError("sumTerms: an objective needs at least one term");
  return {
    generatorLoss(source, models) {
      const batch = new NoisedBatch(source, models, settings);
      const results = terms.map((term) => ({ name: term.name, ...term.evaluate(batch) }));
      const add = (xs: Tensor[]) => xs.reduce((sum, x) => sum.add(x));
      const value = stopGradient(add(results.map((r) => r.value))).mean();
      const field = stopGradient(add(results.map((r) => r.field)));
      const surrogate = sumPerSample(field.mul(source.x0)).mean();
      // The surrogate has the gradient; its own value says nothing and is taken away.
      const loss = value.add(surrogate.sub(stopGradient(surrogate)));

      const diagnostics: Record<string, Tensor> = { loss: value };
      const norm = (x: Tensor) => normPerSample(x).mean();
      for (const r of results) {
        diagnostics[`loss/${r.name}`] = r.value.mean();
        diagnostics[`field_norm/${r.name}`] = norm(r.field);
      }
      const divergence = results.filter((r) => r.name !== "reward");
      const reward = results.find((r) => r.name === "reward");
      if (divergence.length > 0) {
        const kl = norm(add(divergence.map((r) => r.field)));
        diagnostics["field_norm/kl"] = kl;
        if (reward) diagnostics["field_ratio/reward_to_kl"] = diagnostics["field_norm/reward"].div(kl.maximum(1e-20));
        diagnostics.denoised_gap = batch.fake.x0.sub(batch.guidedX0).abs().mean();
      }
      return {
        loss,
        diagnostics: Object.fromEntries(Object.entries(diagnostics).map(([k, v]) => [k, stopGradient(v)])),
      };
    },
  };
}
