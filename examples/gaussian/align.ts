/** Any objective on a {@linkcode GaussianProblem}, as one compiled step. */
import { arange, cat, compile, fold, init, randn, scalar, type Tensor, tensor, uniform } from "@dipp/tensor";
import { adamw, assignTree, ema, gradTree, lrSchedule, realizeParams } from "@dipp/nn";
import { quadraticReward } from "@dipp/rewards";
import { fakeScoreLoss, fakeScoreLossSchema, makeObjective, type ObjectiveInput } from "@dipp/objectives";
import {
  analyticTeacher,
  conditions,
  type FakeParams,
  generate,
  type GeneratorParams,
  levelSchedule,
  linearScore,
  teacherCopy,
} from "./models.ts";
import type { Gaussian, GaussianProblem } from "./problem.ts";

/** How long and how finely to optimise. */
export interface AlignOptions {
  /** Generator steps. */
  readonly steps: number;
  /** Fake-score steps for each of them (K_TA). */
  readonly fakeSteps: number;
  /** Independent draws in a batch; four antithetic samples are made of each. */
  readonly draws: number;
  /** Peak learning rate of the generator. */
  readonly lr: number;
  /** Peak learning rate of the fake score. */
  readonly fakeLr: number;
  /** Decay of the generator's moving average, which is what is returned. */
  readonly emaDecay: number;
  /** Seed of all randomness. */
  readonly seed: number;
}

/** Enough for every problem of this example to come within 2 %. */
export const DEFAULTS: AlignOptions = {
  steps: 2000,
  fakeSteps: 6,
  draws: 306,
  lr: 0.02,
  fakeLr: 0.1,
  emaDecay: 0.995,
  seed: 1,
};

/** What was reached. */
export interface Alignment extends Gaussian {
  /** Largest covariance between two coordinates; zero at the optimum. */
  readonly crossCovariance: number;
  /** Seconds spent. */
  readonly seconds: number;
}

/**
 * Optimises a linear generator: analytic teacher, learned fake score.
 *
 * @param problem What to optimise.
 * @param options How long.
 * @returns Mean and variance of the generator's distribution.
 */
export async function align(problem: GaussianProblem, options: AlignOptions = DEFAULTS): Promise<Alignment> {
  await init();
  const start = performance.now();
  const d = problem.reference.mean.length, batch = 4 * options.draws;
  const schedule = levelSchedule(problem);
  const teacher = analyticTeacher(problem, schedule);
  const objective = makeObjective(objectiveFor(problem));
  const reward = quadraticReward(
    tensor([...problem.reward]),
    tensor([...problem.curvature ?? problem.reward.map(() => 0)]),
  );
  const fakeLoss = fakeScoreLossSchema.parse({ target: "eps", weight: "constant" });

  // away from the answer: a correlated generator around zero
  const generator: GeneratorParams = await realizeParams({
    weight: tensor(Array.from({ length: d * d }, (_, i) => i % (d + 1) === 0 ? 1 : i % d < i / d ? 0.3 : 0), [d, d]),
    bias: tensor(new Array(d).fill(0)),
  });
  const fake: FakeParams = await realizeParams(teacherCopy(problem));
  const optimiser = adamw({ betas: [0.9, 0.99], weightDecay: 0 });
  const average = ema({ name: "constant", decay: options.emaDecay });
  const state = await realizeParams({
    generator: optimiser.init(generator),
    fake: optimiser.init(fake),
    average: average.init(generator),
  });

  const step = compile(({ key, lr, fakeLr }: { key: Tensor; lr: Tensor; fakeLr: Tensor }) => {
    const conditional = conditions(batch);
    const even = problem.weights.map(() => 1);
    let current: FakeParams = fake, fakeState = state.fake;
    for (let k = 0; k < options.fakeSteps; k++) {
      const { z, t, eps } = draw(fold(key, k), options.draws, d, even);
      const loss = fakeScoreLoss(
        { x0: generate(generator, z), t, eps, cond: conditional.cond },
        linearScore(current, schedule),
        fakeLoss,
      );
      const next = optimiser.update(current, gradTree(loss, current), fakeState, { lr: fakeLr });
      current = next.params as FakeParams;
      fakeState = next.state;
    }
    const { z, t, eps } = draw(fold(key, options.fakeSteps), options.draws, d, problem.weights);
    const { loss } = objective.generatorLoss(
      { x0: generate(generator, z), t, eps, ...conditional, prompts: { ids: conditional.cond.ids } },
      { teacher, fake: linearScore(current, schedule), reward },
    );
    const next = optimiser.update(generator, gradTree(loss, generator), state.generator, { lr });
    assignTree(fake, current);
    assignTree(generator, next.params);
    assignTree(state, {
      generator: next.state,
      fake: fakeState,
      average: average.update(state.average, next.params as GeneratorParams),
    });
    return { loss };
  });

  const decay = lrSchedule({ name: "cosine", lr: 1, totalSteps: options.steps });
  for (let i = 0; i < options.steps; i++) {
    step({
      key: tensor(Uint32Array.of(options.seed, i)),
      lr: scalar(decay(i) * options.lr),
      fakeLr: scalar(decay(i) * options.fakeLr),
    });
  }
  const { weight, bias } = state.average.shadow;
  const covariance = await weight.matmul(weight.transpose(0, 1)).data();
  const mean = [...await bias.data()];
  const off = [...covariance].filter((_, i) => i % (d + 1) !== 0);
  return {
    mean,
    variance: mean.map((_, i) => covariance[i * (d + 1)]),
    crossCovariance: Math.max(...off.map(Math.abs)),
    seconds: (performance.now() - start) / 1000,
  };
}

/** The configuration of a problem's objective. Levels are drawn in proportion to their weights: w(t) is their sum. */
function objectiveFor({ objective, weights, alphaRew, alphaCfg }: GaussianProblem): ObjectiveInput {
  const guidance = { alpha: alphaCfg };
  const weight = { name: "constant", scale: weights.reduce((a, b) => a + b) } as const;
  switch (objective) {
    case "dipp":
      return { name: "dipp", alpha_rew: alphaRew, guidance, weight, normalization: "none" };
    case "ikl":
      return { name: "ikl", guidance, weight, normalization: "none" };
    case "sim":
      return { name: "sim", guidance, weight, distance: "l2" };
    case "distar":
      return { name: "distar", alpha_rew: alphaRew, guidance, weight, distance: "l2" };
    case "vsd":
    case "sds":
      return { name: objective, alpha_rew: alphaRew, guidance, weight };
    case "refl":
    case "draft1":
      return { name: objective, alpha_rew: alphaRew };
    default:
      return { name: objective, alpha_rew: alphaRew, guidance };
  }
}

/**
 * Noise for a batch, with antithetic partners (z, e), (-z, e), (z, -e), (-z, -e): for linear models odd moments then
 * cancel exactly, and what the optimum is missed by is not sampling noise. Levels are drawn systematically in
 * proportion to `weights`.
 */
function draw(
  key: Tensor,
  draws: number,
  d: number,
  weights: readonly number[],
): { z: Tensor; t: Tensor; eps: Tensor } {
  const z = randn(fold(key, 0), [draws, d]), eps = randn(fold(key, 1), [draws, d]);
  const t = systematicLevels(fold(key, 2), draws, weights);
  return {
    z: cat([z, z.neg(), z, z.neg()], 0),
    eps: cat([eps, eps, eps.neg(), eps.neg()], 0),
    t: cat([t, t, t, t], 0),
  };
}

/** Level k for about draws * weights[k] / sum of the draws, by systematic sampling: one offset, even spacing. */
function systematicLevels(key: Tensor, draws: number, weights: readonly number[]): Tensor {
  const total = weights.reduce((a, b) => a + b);
  let below = 0;
  const edges = weights.slice(0, -1).map((w) => (below += w) / total);
  const u = arange(draws).add(uniform(key, [1])).div(draws);
  return u.unsqueeze(1).ge(tensor(edges)).cast("f32").sum(1);
}
