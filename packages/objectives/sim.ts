import type { Tensor } from "@dipp/tensor";
import { z } from "zod";
import { type NoiseWeight, noiseWeight } from "./noise_weight.ts";
import { perSample, sumPerSample } from "./per_sample.ts";
import { type ConfigSchema, type DiffusionConfig, diffusionFields, type Recipe, weightField } from "./recipe.ts";
import { lossTerm, type Term } from "./term.ts";

/** A distance of scores, and what it is integrated with. */
export interface SIMDistance {
  /** `pseudo_huber`: sqrt(|y|^2 + c^2) - c; `l2`: |y|^2. Norms are taken over a whole sample. */
  readonly distance: "pseudo_huber" | "l2";
  /** Where the pseudo-Huber distance turns from quadratic to linear, in the units of a score. */
  readonly c: number;
  /** w(t) on the distance. */
  readonly weight: NoiseWeight;
}

/** The configuration of {@linkcode sim}. */
export interface SIMConfig extends DiffusionConfig, SIMDistance {
  /** Score implicit matching. */
  readonly name: "sim";
}

/**
 * The fields of a {@linkcode SIMDistance}. With the default distance and weight the loss is a unit vector times a
 * difference of denoised images. The paper's c could not be verified; the default is this project's.
 */
export const distanceFields = {
  distance: z.enum(["pseudo_huber", "l2"]).default("pseudo_huber"),
  c: z.number().positive().default(0.1),
  weight: weightField("sigma2_over_alpha"),
};

/** What a {@linkcode SIMConfig} must look like. */
export const simSchema: ConfigSchema<SIMConfig> = z.strictObject({
  name: z.literal("sim"),
  ...diffusionFields,
  ...distanceFields,
});

/**
 * Score implicit matching (Luo et al., arXiv 2410.16794, theorem 3.1): descends `E w(t) d(y)`, y = s_fake - s_ref, the
 * distance under samples that are held fixed, by the loss with the same gradient
 *
 *     -w(t) <d'(y), s_fake(x_t|c) - grad log p(x_t|x0)>,   grad log p(x_t|x0) = -eps / sigma
 *
 * The gradient passes through both networks at x_t, in d'(y) too; their weights are frozen and nothing is cut.
 * Scores enter as differences of noises, see `scoreDifferenceTerm`.
 *
 * @param distance d, c and w(t)
 * @param teacher the teacher under its guidance, or as it is
 * @returns the term, named `sim`
 */
export function simTerm({ distance, c, weight }: SIMDistance, teacher: "guided" | "teacher" = "guided"): Term {
  /** d'(y). */
  const slope = (y: Tensor) =>
    distance === "l2" ? y.mul(2) : y.mul(perSample(sumPerSample(y.square()).add(c * c).rsqrt(), y));
  return {
    name: "sim",
    role: "divergence",
    needs: ["teacher", "fake"],
    evaluate(batch) {
      const { fake, source: { eps }, level: { sigma } } = batch;
      const y = batch[teacher].eps.sub(fake.eps).div(perSample(sigma, eps));
      const gap = eps.sub(fake.eps).div(perSample(sigma, eps));
      return lossTerm(batch, sumPerSample(slope(y).mul(gap)).mul(noiseWeight(weight, batch.level)).neg());
    },
  };
}

/** Score implicit matching; with a reward it is `distar`. */
export function sim(config: SIMConfig): Recipe {
  return { terms: [simTerm(config)], guidance: config.guidance };
}
