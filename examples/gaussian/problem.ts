/** A problem whose answer is known: Gaussian reference, linear generator, linear or quadratic reward. */
import type { ObjectiveName } from "@dipp/objectives";

/** A diagonal Gaussian. */
export interface Gaussian {
  /** Mean. */
  readonly mean: readonly number[];
  /** Variance of each coordinate. */
  readonly variance: readonly number[];
}

/** What is to be optimised. */
export interface GaussianProblem {
  /** Name in the table. */
  readonly name: string;
  /** What is descended; SIM and DI* with the squared distance. */
  readonly objective: ObjectiveName;
  /** The conditional reference, whose scores the teacher knows. */
  readonly reference: Gaussian;
  /** The unconditional one, which classifier-free guidance pushes away from. */
  readonly unconditional: Gaussian;
  /** r(x) = <reward, x> - 1/2 <curvature, x^2>. */
  readonly reward: readonly number[];
  /** Curvature of the reward; nothing where it is linear. */
  readonly curvature?: readonly number[];
  /** Weight of the reward. */
  readonly alphaRew: number;
  /** Weight of the implicit (CFG) reward; the guidance scale is 1 + alphaCfg. */
  readonly alphaCfg: number;
  /** Signal scale of each noise level. */
  readonly alpha: readonly number[];
  /** Noise scale of each noise level. */
  readonly sigma: readonly number[];
  /** Weight of each noise level in the integral KL divergence. */
  readonly weights: readonly number[];
}

/** Nine levels of variance-exploding noise and the distributions of the built-in problems. */
const VE = {
  alpha: new Array<number>(9).fill(1),
  sigma: Array.from({ length: 9 }, (_, i) => 10 ** (-1.5 + 2.7 * i / 8)),
};
const REWARD = [0.5265, -0.7523, 0.3158];
const WIDE: Gaussian = { mean: [-0.6644, 0.0298, 0.9603], variance: [1.7631, 1.7717, 1.8852] };
const NARROW: Gaussian = { mean: WIDE.mean, variance: [0.6365, 0.2999, 0.5032] };
const UNCONDITIONAL: Gaussian = { mean: [0.1351, 0.1625, -0.0655], variance: [1.4204, 1.3125, 1.5421] };

/**
 * A problem on variance-exploding noise with evenly weighted levels.
 *
 * @param alphaRew Weight of the reward.
 * @param alphaCfg Weight of the CFG reward.
 * @returns The problem. With CFG the reference is narrower than the unconditional Gaussian, as an optimum needs.
 */
export function gaussianProblem(alphaRew: number, alphaCfg: number): GaussianProblem {
  return {
    name: `alpha_rew ${alphaRew}, alpha_cfg ${alphaCfg}`,
    objective: "dipp",
    reference: alphaCfg > 0 ? NARROW : WIDE,
    unconditional: alphaCfg > 0 ? UNCONDITIONAL : WIDE,
    reward: REWARD,
    alphaRew,
    alphaCfg,
    ...VE,
    weights: VE.sigma.map(() => 1 / VE.sigma.length),
  };
}

/**
 * One problem for every objective that has an optimum: the guided and rewarded ones where the answer is known with
 * both, the reference itself for those that are known to keep to it, and points where nothing keeps samples apart.
 * ReFL has none: every distribution above the margin will do.
 */
export function familyProblems(): GaussianProblem[] {
  const of = (objective: ObjectiveName, alphaRew: number, alphaCfg: number): GaussianProblem => ({
    ...gaussianProblem(alphaRew, alphaCfg),
    name: `${objective} ${alphaRew} ${alphaCfg}`,
    objective,
  });
  return [
    of("dipp", 0.3, 0.5),
    of("ikl", 0, 0.5),
    of("vsd", 0.3, 0.5),
    of("sim", 0, 0.5),
    of("distar", 0.3, 0.5),
    of("dmd", 0, 0),
    of("dmd2", 0, 0),
    of("sid", 0, 0),
    of("sid_lsg", 0, 0),
    of("sds", 0, 0.5),
    { ...of("draft1", 1, 0), curvature: [1, 1, 1] },
  ];
}

/** A reference case as its case.json has it. */
export interface ClosedFormCase {
  /** Path-like name. */
  readonly id: string;
  /** The divergence. */
  readonly distance: "kl" | "sim_l2";
  /** The problem. */
  readonly config: {
    readonly ref_mean: number[];
    readonly ref_var: number[];
    readonly uncond_mean?: number[];
    readonly uncond_var?: number[];
    readonly reward_linear: number[];
    readonly reward_quadratic: number[];
    readonly alpha_rew: number;
    readonly alpha_cfg: number;
    readonly alpha: number[];
    readonly sigma: number[];
    readonly weights: number[];
  };
  /** The answer, in float64. */
  readonly solution: { readonly optimal_mean: number[]; readonly optimal_var: number[] };
}

/** The names of the reference cases that come with the repository. */
export function closedFormNames(): string[] {
  return [...Deno.readDirSync(ROOT)].map((entry) => entry.name).sort();
}

/**
 * Reads a reference case.
 *
 * @param name Its folder in testdata/objectives/closed_form.
 * @returns The problem and its answer.
 */
export function closedFormCase(name: string): { problem: GaussianProblem; solution: Gaussian } {
  const one: ClosedFormCase = JSON.parse(Deno.readTextFileSync(new URL(`${name}/case.json`, ROOT)));
  const { optimal_mean, optimal_var } = one.solution;
  return { problem: problemOf(one, name), solution: { mean: optimal_mean, variance: optimal_var } };
}

/**
 * The problem that a reference case describes.
 *
 * @param one What its case.json holds.
 * @param name What to call it.
 * @returns The problem.
 */
export function problemOf({ config, distance }: ClosedFormCase, name: string): GaussianProblem {
  const reference = { mean: config.ref_mean, variance: config.ref_var };
  const unconditional = config.uncond_mean && config.uncond_var
    ? { mean: config.uncond_mean, variance: config.uncond_var }
    : reference;
  return {
    name,
    objective: distance === "kl" ? "dipp" : "distar",
    reference,
    unconditional,
    reward: config.reward_linear,
    curvature: config.reward_quadratic,
    alphaRew: config.alpha_rew,
    alphaCfg: config.alpha_cfg,
    alpha: config.alpha,
    sigma: config.sigma,
    weights: config.weights,
  };
}

const ROOT = new URL("../../testdata/objectives/closed_form/", import.meta.url);
