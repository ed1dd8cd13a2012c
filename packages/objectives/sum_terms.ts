import { stopGradient, type Tensor } from "@dipp/tensor";
import { type NetworkGuidance, NoisedBatch } from "./noised_batch.ts";
import type { NeededModel, Objective } from "./objective.ts";
import { normPerSample, sumPerSample } from "./per_sample.ts";
import type { Term } from "./term.ts";

/**
 * Adds terms up to a generator's loss. The loss has the value of the sum, mean over the batch, and the gradient of the
 * summed fields on x0; every other path is cut here, so no network but the generator is on its own.
 *
 * Diagnostics, each a scalar: `loss/TERM`; `field_norm/TERM`, the Euclidean norm of one sample's gradient field on x0,
 * mean over the batch, so independent of the batch size; `field_norm/kl`, the same for the divergence and its guidance
 * together; `field_ratio/reward_to_kl`, the control knob of alignment; and, where there are both networks,
 * `denoised_gap`, mean |x0_fake - x0_teacher|, which runs away when the generator does.
 *
 * @param terms the summands
 * @param guidance what the networks are evaluated under; none by default
 * @returns the loss of a batch
 *
 * @example
 * ```ts
 * import { rewardTerm, sumTerms } from "@dipp/objectives";
 * import { linearReward } from "@dipp/rewards";
 * import { grad, ones, tensor, zeros } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = sumTerms([rewardTerm(10)]);
 * const x0 = zeros([1, 2]);
 * const batch = { x0, t: ones([1]), eps: zeros([1, 2]), cond: {}, prompts: { ids: tensor([[1]], [1, 1], "i32") } };
 * const result = loss(batch, { reward: linearReward(tensor([1, -2])) });
 * assertEquals([...await grad(result.loss, [x0])[0].data()], [-10, 20]);
 * ```
 */
export function sumTerms(
  terms: readonly Term[],
  guidance: NetworkGuidance = { alpha: 0, fakeOmega: 1 },
): Objective["generatorLoss"] {
  if (terms.length === 0) throw new RangeError("sumTerms: an objective needs at least one term");
  const needs = neededModels(terms);
  return (source, models) => {
    for (const term of terms) {
      const missing = term.needs.find((name) => !models[name]);
      if (missing) throw new TypeError(`The term "${term.name}" needs the model "${missing}", got none`);
    }
    const batch = new NoisedBatch(source, models, guidance);
    const results = terms.map((term) => ({ ...term, ...term.evaluate(batch) }));
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
    const divergence = results.filter((r) => r.role === "divergence");
    const reward = results.find((r) => r.role === "reward");
    if (divergence.length > 0) {
      const kl = norm(add(divergence.map((r) => r.field)));
      diagnostics["field_norm/kl"] = kl;
      if (reward) diagnostics["field_ratio/reward_to_kl"] = diagnostics["field_norm/reward"].div(kl.maximum(1e-20));
    }
    if (needs.includes("teacher") && needs.includes("fake")) {
      diagnostics.denoised_gap = batch.fake.x0.sub(batch.guided.x0).abs().mean();
    }
    return {
      loss,
      diagnostics: Object.fromEntries(Object.entries(diagnostics).map(([k, v]) => [k, stopGradient(v)])),
    };
  };
}

/** The models that any of the terms consults. */
export function neededModels(terms: readonly Term[]): NeededModel[] {
  return [...new Set(terms.flatMap((term) => term.needs))];
}
