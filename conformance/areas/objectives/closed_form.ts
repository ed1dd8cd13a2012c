import { makeObjective, type ObjectiveInput } from "@dipp/objectives";
import { quadraticReward } from "@dipp/rewards";
import { arange, grad, tensor } from "@dipp/tensor";
import { analyticTeacher, levelSchedule } from "../../../examples/gaussian/models.ts";
import { optimum } from "../../../examples/gaussian/optimum.ts";
import {
  type ClosedFormCase,
  type Gaussian,
  type GaussianProblem,
  problemOf,
} from "../../../examples/gaussian/problem.ts";
import type { GoldenCase } from "../../golden_case.ts";

/**
 * A Gaussian reference and a generator x = m + L z: where the objective has its optimum, its value there, and value and
 * gradient at the stored m and L. The gradient is that of the objective itself, with exact scores.
 */
export async function closedForm(one: GoldenCase): Promise<Record<string, ArrayLike<number>>> {
  const problem = problemOf(one.info as unknown as ClosedFormCase, "closed form");
  const best = optimum(problem);
  const solution = {
    optimal_mean: best.mean,
    optimal_var: best.variance,
    optimal_L: best.variance.map(Math.sqrt),
  };
  if (problem.objective !== "dipp") return solution;
  const [m, L] = [one.inputs.get("m")!.toFloat32(), one.inputs.get("L")!.toFloat32()];
  const gradient = await expectedGradient(problem, m, L);
  return {
    ...solution,
    objective: [value(problem, { mean: [...m], variance: [...L].map((x) => x * x) })],
    objective_at_optimum: [value(problem, best)],
    objective_at_reference: [value(problem, problem.reference)],
    "grad.m": gradient.onMean,
    "grad.L": gradient.onScale,
  };
}

/** -alpha_rew E[r] + sum_k w_k KL(p_k | ref_k) - alpha_cfg sum_k w_k E[log ref_k - log uncond_k], in closed form. */
function value(problem: GaussianProblem, { mean, variance }: Gaussian): number {
  const { reference, unconditional, reward, curvature, alphaRew, alphaCfg } = problem;
  let total = 0;
  mean.forEach((m, i) => {
    const v = variance[i];
    total -= alphaRew * (reward[i] * m - 0.5 * (curvature?.[i] ?? 0) * (m * m + v));
    problem.weights.forEach((w, k) => {
      const [a, noise] = [problem.alpha[k], problem.sigma[k] ** 2];
      const noised = a * a * v + noise;
      /** E[log N(x; mean, variance)] under the generator. */
      const logDensity = (other: Gaussian) => {
        const own = a * a * other.variance[i] + noise;
        return -0.5 * (Math.log(2 * Math.PI * own) + (noised + (a * (m - other.mean[i])) ** 2) / own);
      };
      const entropy = 0.5 * (Math.log(2 * Math.PI * noised) + 1);
      const ref = logDensity(reference);
      total += w * (-entropy - ref - alphaCfg * (ref - logDensity(unconditional)));
    });
  });
  return total;
}

/**
 * The objective's gradient, expected over z and noise. With linear scores the integrands are polynomials of degree two,
 * for which the four points z = 1, -1, noise = 1, -1 are exact.
 */
async function expectedGradient(
  problem: GaussianProblem,
  m: Float32Array,
  L: Float32Array,
): Promise<{ onMean: number[]; onScale: number[] }> {
  const levels = problem.weights.length, d = m.length, signs = [[1, 1], [1, -1], [-1, 1], [-1, -1]];
  const rows = levels * signs.length;
  const schedule = levelSchedule(problem);
  const generator = { mean: [...m], variance: [...L].map((x) => x * x) };
  const fakeProblem = { ...problem, reference: generator, unconditional: generator };
  const column = (at: 0 | 1) => tensor(signs.flatMap((sign) => new Array(levels).fill(sign[at])), [rows, 1]);
  const z = column(0);
  const x0 = z.mul(tensor(L)).add(tensor(m));
  const ids = (id: number) => ({ ids: tensor(new Int32Array(rows).fill(id), [rows, 1]) });
  const batch = {
    x0,
    eps: column(1).expand([rows, d]),
    t: arange(rows).sub(arange(rows).div(levels).floor().mul(levels)),
    cond: ids(1),
    nullCond: ids(0),
    prompts: ids(1),
  };
  const models = {
    teacher: analyticTeacher(problem, schedule),
    fake: analyticTeacher(fakeProblem, schedule),
    reward: quadraticReward(tensor([...problem.reward]), tensor([...problem.curvature ?? problem.reward.map(() => 0)])),
  };
  const fieldOf = async (config: ObjectiveInput) => {
    const { loss } = makeObjective(config).generatorLoss(batch, models);
    return await grad(loss, [x0])[0].mul(rows).data();
  };
  const divergence = {
    name: "dipp",
    guidance: { alpha: problem.alphaCfg },
    weight: "constant",
    normalization: "none",
  } as const;
  const field = await fieldOf(divergence);
  const rewarded = problem.alphaRew > 0 ? await fieldOf({ name: "draft1", alpha_rew: problem.alphaRew }) : undefined;
  const onMean = new Array<number>(d).fill(0), onScale = new Array<number>(d).fill(0);
  for (let row = 0; row < rows; row++) {
    const sign = signs[Math.floor(row / levels)][0], weight = problem.weights[row % levels] / signs.length;
    for (let i = 0; i < d; i++) {
      const g = weight * field[row * d + i] + (rewarded?.[row * d + i] ?? 0) / rows;
      onMean[i] += g;
      onScale[i] += g * sign;
    }
  }
  return { onMean, onScale };
}
