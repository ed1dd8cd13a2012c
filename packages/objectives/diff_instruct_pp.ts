import { fold, randn, type Tensor } from "@dipp/tensor";
import { z } from "zod";
import { cfgTerm } from "./cfg_term.ts";
import { type Guidance, guidance, type GuidanceInput, guidanceSchema } from "./guidance.ts";
import { iklTerm } from "./ikl_term.ts";
import { type NoiseWeight, type NoiseWeightInput, noiseWeightSchema } from "./noise_weight.ts";
import type { GeneratorBatch, Objective, ObjectiveModels, ObjectiveResult } from "./objective.ts";
import { rewardTerm } from "./reward_term.ts";
import { sumTerms } from "./sum_terms.ts";
import type { Term } from "./term.ts";
import {
  drawTimes,
  type TimeDistribution,
  type TimeDistributionInput,
  timeDistributionSchema,
} from "./time_distribution.ts";

/** The configuration of {@linkcode DiffInstructPP}. */
export interface DiffInstructPPConfig {
  /** Weight of the explicit reward; 0 asks for no reward model. */
  readonly alpha_rew: number;
  /** Classifier-free guidance of the teacher, that is the weight of the implicit reward. */
  readonly guidance: Guidance;
  /** Whether the integral KL term is there. Without it the reward is free to be hacked: for ablations only. */
  readonly kl: boolean;
  /** pi(t) of the generator's step. */
  readonly time: TimeDistribution;
  /** w(t) on the score difference. */
  readonly weight: NoiseWeight;
  /** `dmd`: each sample's field is divided by mean |x0 - x0_teacher| (DMD, arXiv 2311.18828, equation 8). */
  readonly normalization: "none" | "dmd";
  /** `sum` over channels and pixels (Diff-Instruct's code) or `mean` (DMD2's); the reward is a number an image either way. */
  readonly reduction: "sum" | "mean";
}

/** A {@linkcode DiffInstructPPConfig} before its defaults are filled in. */
export interface DiffInstructPPInput {
  /** See {@linkcode DiffInstructPPConfig}; 0 by default. */
  readonly alpha_rew?: number;
  /** No guidance by default. */
  readonly guidance?: GuidanceInput;
  /** True by default. */
  readonly kl?: boolean;
  /** EDM's log-normal by default. */
  readonly time?: TimeDistributionInput;
  /** `sigma2_over_alpha2` by default: with `dmd` normalisation that is DMD2's field. */
  readonly weight?: NoiseWeightInput;
  /** `dmd` by default. */
  readonly normalization?: "none" | "dmd";
  /** `sum` by default. */
  readonly reduction?: "sum" | "mean";
}

/** What a {@linkcode DiffInstructPPInput} must look like, and its defaults. */
export const diffInstructPPSchema: z.ZodType<DiffInstructPPConfig, DiffInstructPPInput> = z.strictObject({
  alpha_rew: z.number().nonnegative().default(0),
  guidance: guidanceSchema.default(guidance({ alpha: 0 })),
  kl: z.boolean().default(true),
  time: timeDistributionSchema.prefault({ name: "log_normal" }),
  weight: noiseWeightSchema.prefault("sigma2_over_alpha2"),
  normalization: z.enum(["none", "dmd"]).default("dmd"),
  reduction: z.enum(["sum", "mean"]).default("sum"),
}).refine((c) => c.kl || c.alpha_rew > 0 || c.guidance.alpha > 0, {
  error: "with kl false there must be a reward, got alpha_rew 0 and no guidance",
  path: ["alpha_rew"],
});

/**
 * Diff-Instruct++ (Luo, arXiv 2410.18881): the integral KL divergence to the reference diffusion, the explicit reward
 * and the implicit reward of classifier-free guidance,
 *
 *     -alpha_rew r(x0, c) + w(t) <SG[s_fake(x_t|c) - s_ref(x_t|c) - alpha_cfg (s_ref(x_t|c) - s_ref(x_t))], x_t>
 *
 * With `alpha_rew` 0 this is Diff-Instruct (Luo et al. 2023). Without guidance the null condition is not evaluated,
 * without a reward no decoder.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DiffInstructPP } from "@dipp/objectives";
 *
 * const objective = new DiffInstructPP({ alpha_rew: 10, guidance: { omega: 1.5 } });
 * assertEquals(objective.config.guidance, { alpha: 0.5, omega: 1.5 });
 * assertEquals(objective.config.weight.name, "sigma2_over_alpha2");
 * ```
 */
export class DiffInstructPP implements Objective {
  /** The configuration, complete: what a run's log should echo. */
  readonly config: DiffInstructPPConfig;
  readonly #sum: Objective;

  /** Checks the configuration; see {@linkcode diffInstructPPSchema}. */
  constructor(config: DiffInstructPPInput | DiffInstructPPConfig = {}) {
    this.config = diffInstructPPSchema.parse(withOneConvention(config));
    const { alpha_rew, guidance: { alpha }, kl, weight, normalization, reduction } = this.config;
    const terms: Term[] = [];
    if (kl) terms.push(iklTerm());
    if (alpha > 0) terms.push(cfgTerm(alpha));
    if (alpha_rew > 0) terms.push(rewardTerm(alpha_rew));
    this.#sum = sumTerms(terms, { weight, reduction, normalization, alpha });
  }

  /** See {@linkcode Objective}; the diagnostics are those of {@linkcode sumTerms}. */
  generatorLoss(batch: GeneratorBatch, models: ObjectiveModels): ObjectiveResult {
    return this.#sum.generatorLoss(batch, models);
  }

  /**
   * Draws the noise of a generator step: t from pi(t) and eps from N(0, I).
   *
   * @param key random key, u32 `[2]`
   * @param shape the samples' shape, `[B, ...]`
   * @returns t `[B]` and eps
   */
  draw(key: Tensor, shape: readonly number[]): { t: Tensor; eps: Tensor } {
    return drawNoise(this.config.time, key, shape);
  }
}

/**
 * Draws what the forward process needs: t from a distribution and eps from N(0, I).
 *
 * @param time the distribution of t
 * @param key random key, u32 `[2]`
 * @param shape the samples' shape, `[B, ...]`
 * @returns t `[B]` and eps
 */
export function drawNoise(
  time: TimeDistribution,
  key: Tensor,
  shape: readonly number[],
): { t: Tensor; eps: Tensor } {
  return { t: drawTimes(time, fold(key, 0), shape[0]), eps: randn(fold(key, 1), [...shape]) };
}

/** A configuration that was parsed before has the guidance in both conventions; the schema wants one. */
function withOneConvention(config: DiffInstructPPInput | DiffInstructPPConfig): DiffInstructPPInput {
  return config.guidance ? { ...config, guidance: { alpha: guidance(config.guidance).alpha } } : config;
}
