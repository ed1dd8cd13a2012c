/** What each objective leads to on a {@linkcode GaussianProblem}. */
import type { Gaussian, GaussianProblem } from "./problem.ts";

/**
 * The optimum over Gaussians, per coordinate. The guided score of level k is `h_k - P_k x` with
 * `P_k = (1 + alpha_cfg) / V_ref,k - alpha_cfg / V_uncond,k`, V the noised variances, and h_k likewise with means.
 *
 * - KL (Diff-Instruct, DI++; VSD with w sigma / alpha for w):
 *   `sum_k w_k alpha_k^2 / V_k = sum_k w_k alpha_k^2 P_k + alpha_rew curvature` gives the variance, and
 *   `mean = (sum_k w_k alpha_k h_k + alpha_rew reward) / (sum_k w_k alpha_k^2 P_k + alpha_rew curvature)`
 * - SDS: the same mean without an entropy: the variance is zero. So it is for a reward alone.
 * - SIM and DI* with the squared distance, where the samples are held still:
 *   `sum_k w_k alpha_k^2 (P_k - 1 / V_k) / V_k = 0` and
 *   `sum_k 2 w_k alpha_k (alpha_k P_k mean - h_k) / V_k = alpha_rew reward`
 * - DMD, DMD2, SiD, without guidance and reward: the reference, where the field is zero
 *
 * @param problem The problem.
 * @returns The generator's optimal distribution.
 * @throws {RangeError} Where there is none, or none is known.
 */
export function optimum(problem: GaussianProblem): Gaussian {
  const coordinates = problem.reward.map((_, i) => solve(problem, i));
  return { mean: coordinates.map(([m]) => m), variance: coordinates.map(([, v]) => v) };
}

/** Mean and variance of one coordinate. */
function solve(problem: GaussianProblem, i: number): [mean: number, variance: number] {
  const { objective, reference, unconditional, alphaRew, alphaCfg } = problem;
  const slope = alphaRew * problem.reward[i], curvature = alphaRew * (problem.curvature?.[i] ?? 0);
  const levels = problem.alpha.map((alpha, k) => {
    const noised = (variance: number) => alpha ** 2 * variance + problem.sigma[k] ** 2;
    const [r, u] = [noised(reference.variance[i]), noised(unconditional.variance[i])];
    const onNoise = objective === "vsd" || objective === "sds" ? problem.sigma[k] / alpha : 1;
    return {
      alpha,
      weight: problem.weights[k] * onNoise,
      noised,
      P: (1 + alphaCfg) / r - alphaCfg / u,
      h: alpha * ((1 + alphaCfg) * reference.mean[i] / r - alphaCfg * unconditional.mean[i] / u),
    };
  });
  const sum = (f: (level: typeof levels[number]) => number) =>
    levels.reduce((s, level) => s + level.weight * f(level), 0);
  switch (objective) {
    case "dipp":
    case "ikl":
    case "vsd":
    case "sds": {
      const precision = sum(({ alpha, P }) => alpha ** 2 * P) + curvature;
      if (!(precision > 0)) throw new RangeError(`Coordinate ${i} has no optimum: guidance ${alphaCfg} is too strong`);
      const mean = (sum(({ alpha, h }) => alpha * h) + slope) / precision;
      if (objective === "sds") return [mean, 0];
      return [mean, root((v) => sum(({ alpha, noised }) => alpha ** 2 / noised(v)) - precision)];
    }
    case "sim":
    case "distar": {
      if (curvature !== 0) throw new RangeError(`No optimum of ${objective} is known for a quadratic reward`);
      const variance = root((v) => -sum(({ alpha, P, noised }) => alpha ** 2 * (P - 1 / noised(v)) / noised(v)));
      const at = levels.map((level) => level.alpha / level.noised(variance));
      const pull = levels.reduce((s, { weight, alpha, P }, k) => s + 2 * weight * at[k] * alpha * P, 0);
      const push = levels.reduce((s, { weight, h }, k) => s + 2 * weight * at[k] * h, 0);
      return [(push + slope) / pull, variance];
    }
    case "draft1":
      if (!(curvature > 0)) throw new RangeError(`Coordinate ${i} has no optimum: a linear reward is unbounded`);
      return [slope / curvature, 0];
    default:
      if (alphaRew !== 0 || alphaCfg !== 0) {
        throw new RangeError(`The optimum of ${objective} is known without guidance and reward only`);
      }
      return [reference.mean[i], reference.variance[i]];
  }
}

/** The positive zero of a function that falls through it, by bisection on a logarithmic scale. */
function root(f: (x: number) => number): number {
  let [low, high] = [1e-9, 1e9];
  if (f(low) < 0) throw new RangeError("The optimal variance is zero: guidance is too strong");
  while (high / low > 1 + 1e-14) {
    const middle = Math.sqrt(low * high);
    if (f(middle) > 0) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}
