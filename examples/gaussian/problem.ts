/** A problem whose answer is known: Gaussian reference, linear generator, linear reward. */

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
  /** The conditional reference, whose scores the teacher knows. */
  readonly reference: Gaussian;
  /** The unconditional one, which classifier-free guidance pushes away from. */
  readonly unconditional: Gaussian;
  /** r(x) = <reward, x>. */
  readonly reward: readonly number[];
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

/**
 * The optimum of `-alpha_rew E[r] + sum_k w_k KL(p_k | ref_k) - alpha_cfg sum_k w_k E[log ref_k - log uncond_k]` over
 * Gaussians. With S(v) = sum_k w_k alpha_k^2 / (alpha_k^2 v + sigma_k^2), A = (1 + alpha_cfg) S(ref variance) and
 * B = alpha_cfg S(uncond variance), per coordinate:
 *
 *     mean     = (A ref_mean - B uncond_mean + alpha_rew reward) / (A - B)
 *     variance : S(variance) = A - B
 *
 * @param problem The problem.
 * @returns The generator's optimal distribution.
 */
export function optimum(problem: GaussianProblem): Gaussian {
  const { reference, unconditional, reward, alphaRew, alphaCfg } = problem;
  const sum = (variance: number) =>
    problem.weights.reduce((s, w, k) => {
      const [a, n] = [problem.alpha[k] ** 2, problem.sigma[k] ** 2];
      return s + w * a / (a * variance + n);
    }, 0);
  const mean: number[] = [], variance: number[] = [];
  reward.forEach((slope, i) => {
    const a = (1 + alphaCfg) * sum(reference.variance[i]);
    const b = alphaCfg * sum(unconditional.variance[i]);
    if (!(a > b)) throw new RangeError(`Coordinate ${i} has no optimum: guidance ${alphaCfg} makes it unbounded`);
    mean.push((a * reference.mean[i] - b * unconditional.mean[i] + alphaRew * slope) / (a - b));
    variance.push(solveDecreasing(sum, a - b));
  });
  return { mean, variance };
}

/** The positive x with f(x) = y for a decreasing f, by bisection on a logarithmic scale. */
function solveDecreasing(f: (x: number) => number, y: number): number {
  let [low, high] = [1e-9, 1e9];
  if (f(low) < y) throw new RangeError("The optimal variance is zero: guidance is too strong");
  while (high / low > 1 + 1e-14) {
    const middle = Math.sqrt(low * high);
    if (f(middle) > y) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
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
    reference: alphaCfg > 0 ? NARROW : WIDE,
    unconditional: alphaCfg > 0 ? UNCONDITIONAL : WIDE,
    reward: REWARD,
    alphaRew,
    alphaCfg,
    ...VE,
    weights: VE.sigma.map(() => 1 / VE.sigma.length),
  };
}

/** A reference case as its case.json has it. */
export interface ClosedFormCase {
  /** Path-like name. */
  readonly id: string;
  /** The problem. */
  readonly config: {
    readonly ref_mean: number[];
    readonly ref_var: number[];
    readonly uncond_mean?: number[];
    readonly uncond_var?: number[];
    readonly reward_linear: number[];
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
  const { config, solution }: ClosedFormCase = JSON.parse(
    Deno.readTextFileSync(new URL(`${name}/case.json`, ROOT)),
  );
  const reference = { mean: config.ref_mean, variance: config.ref_var };
  const unconditional = config.uncond_mean && config.uncond_var
    ? { mean: config.uncond_mean, variance: config.uncond_var }
    : reference;
  return {
    problem: {
      name,
      reference,
      unconditional,
      reward: config.reward_linear,
      alphaRew: config.alpha_rew,
      alphaCfg: config.alpha_cfg,
      alpha: config.alpha,
      sigma: config.sigma,
      weights: config.weights,
    },
    solution: { mean: solution.optimal_mean, variance: solution.optimal_var },
  };
}

const ROOT = new URL("../../testdata/objectives/closed_form/", import.meta.url);
