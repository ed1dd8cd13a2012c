import { stopGradient, type Tensor } from "@dipp/tensor";
import { addNoise, type Cond, noiseLevel, type ScoreModel } from "@dipp/scores";
import { z } from "zod";
import { type NoiseWeight, noiseWeight, type NoiseWeightInput, noiseWeightSchema } from "./noise_weight.ts";
import { meanPerSample, sumPerSample } from "./per_sample.ts";
import { type TimeDistribution, type TimeDistributionInput, timeDistributionSchema } from "./time_distribution.ts";

/**
 * The fake score's denoising score matching loss, lambda(t) |target - prediction|^2. The choice of `target` is one of
 * units only: score, noise and image differ by factors of alpha and sigma.
 *
 * Common choices: plain noise MSE (DMD2, SiD-LSG) is `eps`, `constant`; EDM (Diff-Instruct) is `x0`, `edm`;
 * the paper's score form with lambda = sigma^2 is `score`, `sigma2` and equals the noise MSE.
 */
export interface FakeScoreLossConfig {
  /** What is compared: the noise, the clean image or the score -eps/sigma. */
  readonly target: "eps" | "x0" | "score";
  /** lambda(t). */
  readonly weight: NoiseWeight;
  /** `sum` or `mean` over channels and pixels; the batch is always averaged. */
  readonly reduction: "sum" | "mean";
  /** pi(t) of the fake score's step. */
  readonly time: TimeDistribution;
}

/** A {@linkcode FakeScoreLossConfig} before its defaults are filled in. */
export interface FakeScoreLossInput {
  /** `x0` by default. */
  readonly target?: "eps" | "x0" | "score";
  /** `edm` by default. */
  readonly weight?: NoiseWeightInput;
  /** `mean` by default. */
  readonly reduction?: "sum" | "mean";
  /** EDM's log-normal by default. */
  readonly time?: TimeDistributionInput;
}

/** What a {@linkcode FakeScoreLossInput} must look like, and its defaults. */
export const fakeScoreLossSchema: z.ZodType<FakeScoreLossConfig, FakeScoreLossInput> = z.strictObject({
  target: z.enum(["eps", "x0", "score"]).default("x0"),
  weight: noiseWeightSchema.prefault("edm"),
  reduction: z.enum(["sum", "mean"]).default("mean"),
  time: timeDistributionSchema.prefault({ name: "log_normal" }),
});

/**
 * The loss of the fake score, and of any diffusion model, on clean samples:
 * `mean_b lambda(t) |prediction(x_t) - target|^2`, x_t = alpha x0 + sigma eps.
 *
 * @param batch samples `[B, ...]` (no gradient flows into them), noise level `[B]`, noise, condition
 * @param model the score model to train
 * @param config target, lambda, reduction
 * @returns a scalar
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fakeScoreLoss, fakeScoreLossSchema } from "@dipp/objectives";
 * import { EDMSchedule, predictionFromX0, noiseLevel, type ScoreModel } from "@dipp/scores";
 * import { ones, tensor } from "@dipp/tensor";
 *
 * const schedule = new EDMSchedule();
 * const blind: ScoreModel = { // always answers 0
 *   schedule,
 *   predict: (xt, t) => predictionFromX0(xt, xt.mul(0), noiseLevel(schedule, t)),
 * };
 * const batch = { x0: ones([1, 1, 2, 2]), eps: ones([1, 1, 2, 2]), t: tensor([0.5]), cond: {} };
 * const config = fakeScoreLossSchema.parse({ weight: "constant" });
 * assertEquals(await fakeScoreLoss(batch, blind, config).item(), 1);
 * ```
 */
export function fakeScoreLoss(
  batch: { readonly x0: Tensor; readonly t: Tensor; readonly eps: Tensor; readonly cond: Cond },
  model: ScoreModel,
  config: Pick<FakeScoreLossConfig, "target" | "weight" | "reduction">,
): Tensor {
  const x0 = stopGradient(batch.x0);
  const level = noiseLevel(model.schedule, batch.t);
  const prediction = model.predict(addNoise(x0, batch.eps, level), batch.t, batch.cond);
  const weight = noiseWeight(config.weight, level);
  const error = (): { squared: Tensor; weight: Tensor } => {
    switch (config.target) {
      case "eps":
        return { squared: prediction.eps.sub(batch.eps).square(), weight };
      case "x0":
        return { squared: prediction.x0.sub(x0).square(), weight };
      case "score": {
        // s - s* = (eps* - eps) / sigma; the division moves to the weight.
        const onEps = prediction.eps.sub(batch.eps);
        return { squared: onEps.square(), weight: weight.div(level.sigma.square()) };
      }
    }
  };
  const e = error();
  const perImage = config.reduction === "sum" ? sumPerSample(e.squared) : meanPerSample(e.squared);
  return perImage.mul(e.weight).mean();
}
