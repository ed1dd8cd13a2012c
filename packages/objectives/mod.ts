/**
 * Objectives of one-step generators: Diff-Instruct++ and its family (SDS, VSD, Diff-Instruct, DMD, DMD2, SiD, SiD-LSG,
 * SIM, DI*, ReFL, DRaFT-1), and the denoising score matching loss of the fake score that most of them need.
 *
 * Nothing here knows a network, a reward or a metric by name. An objective is a sum of {@linkcode Term}s, each a
 * gradient field on the generator's samples; every choice (pi(t), w(t), lambda(t), reduction, normalisation, guidance)
 * is a name in a configuration that zod checks.
 *
 * @example A generator step
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { makeObjective } from "@dipp/objectives";
 * import { EDMSchedule, noiseLevel, predictionFromX0, type ScoreModel } from "@dipp/scores";
 * import { brightnessReward } from "@dipp/rewards";
 * import { grad, key, randn, tensor } from "@dipp/tensor";
 *
 * // score models that believe in one constant image
 * const schedule = new EDMSchedule();
 * const constant = (c: number): ScoreModel => ({
 *   schedule,
 *   predict: (xt, t) => predictionFromX0(xt, xt.mul(0).add(c), noiseLevel(schedule, t)),
 * });
 * const objective = makeObjective({ alpha_rew: 1, normalization: "none" });
 * const x0 = randn(key(0), [2, 3, 8, 8]);
 * const { loss } = objective.generatorLoss(
 *   {
 *     x0,
 *     ...objective.draw(key(1), x0.shape),
 *     cond: {},
 *     prompts: { ids: tensor([[1], [2]], [2, 1], "i32") },
 *   },
 *   { teacher: constant(1), fake: constant(0), reward: brightnessReward() },
 * );
 * // descent moves x0 towards the teacher's image and towards the reward: the gradient is negative everywhere
 * const [field] = grad(loss, [x0]);
 * assertEquals((await field.data()).every((g) => g < 0), true);
 * ```
 *
 * @module
 */

export * from "./objective.ts";
export {
  type ConfigOf,
  drawNoise,
  makeObjective,
  OBJECTIVE_NAMES,
  type ObjectiveConfig,
  type ObjectiveInput,
  type ObjectiveName,
  objectiveSchema,
} from "./make_objective.ts";
export type { DiffusionConfig, FieldInput, InputOf, RewardedConfig } from "./recipe.ts";
export type { DiffInstructConfig } from "./diff_instruct.ts";
export type { DiffInstructPPConfig } from "./diff_instruct_pp.ts";
export type { DiffInstructStarConfig } from "./diff_instruct_star.ts";
export type { DRaFT1Config } from "./draft1.ts";
export type { SiDLSGConfig } from "./sid_lsg.ts";
export { type DMDConfig, dmdTerm } from "./dmd.ts";
export { type ReFLConfig, reflTerm } from "./refl.ts";
export { type SDSConfig, sdsTerm } from "./sds.ts";
export { type SiDConfig, sidTerm } from "./sid.ts";
export { type SIMConfig, type SIMDistance, simTerm } from "./sim.ts";
export { type VSDConfig, vsdTerm } from "./vsd.ts";
export * from "./fake_score_loss.ts";
export * from "./gan_term.ts";
export * from "./regression_term.ts";
export * from "./two_time_scale.ts";
export * from "./guidance.ts";
export * from "./noise_weight.ts";
export * from "./time_distribution.ts";
export * from "./term.ts";
export * from "./ikl_term.ts";
export * from "./cfg_term.ts";
export { rewardTerm } from "./reward_term.ts";
export type { ScoreWeighting } from "./score_weighting.ts";
export { sumTerms } from "./sum_terms.ts";
export * from "./noised_batch.ts";
