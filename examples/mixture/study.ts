/** Trains the planar generator with one objective, and looks at it before and after. */
import { cat, compile, fold, grad, init, key, randn, scalar, type Tensor, tensor } from "@dipp/tensor";
import { adamw, assignTree, gradTree, lrSchedule, realizeParams } from "@dipp/nn";
import { drawNoise, fakeScoreLoss, fakeScoreLossSchema, makeObjective, type ObjectiveInput } from "@dipp/objectives";
import { FAKE_INPUTS, fakeScore, generate, initMLP, type MLPParams } from "./networks.ts";
import { condition, mixtureTeacher, RIGHTWARD } from "./problem.ts";

/** How long and how finely to train. */
export interface StudyOptions {
  /** Generator steps. */
  readonly steps: number;
  /** Steps of the fake score alone, at the start. */
  readonly warmup: number;
  /** Fake-score steps for each of the generator's. */
  readonly fakeSteps: number;
  /** Samples in a batch. */
  readonly batch: number;
  /** Peak learning rate of the generator. */
  readonly lr: number;
  /** Peak learning rate of the fake score. */
  readonly fakeLr: number;
  /** Seed of all randomness. */
  readonly seed: number;
}

/** Enough for the modes to be found. */
export const DEFAULTS: StudyOptions = {
  steps: 800,
  warmup: 200,
  fakeSteps: 3,
  batch: 256,
  lr: 3e-3,
  fakeLr: 4e-3,
  seed: 0,
};

/** A look at the generator. */
export interface View {
  /** Samples, `[n, 2]`. */
  readonly samples: Float32Array;
  /** Points of a grid, `[n, 2]`. */
  readonly grid: Float32Array;
  /** The direction in which the objective moves a sample that is at each of them, `[n, 2]`. */
  readonly field: Float32Array;
}

/** Side of the grid of arrows, and draws of noise that each is the mean of. */
const SIDE = 13, DRAWS = 64;

/** The window that is looked at. */
export const WINDOW = 1.9;

/**
 * Trains and looks.
 *
 * @param config The objective.
 * @param options How long.
 * @returns The generator at the start and at the end, and the seconds between.
 */
export async function study(
  config: ObjectiveInput,
  options: StudyOptions = DEFAULTS,
): Promise<{ before: View; after: View; seconds: number }> {
  await init();
  const start = performance.now();
  const { batch, seed } = options;
  const objective = makeObjective(config);
  const isFaked = objective.needs.includes("fake");
  const lossConfig = fakeScoreLossSchema.parse({ time: { name: "log_normal", mean: -0.6, std: 1.2 } });
  const teacher = mixtureTeacher();
  const generator = await realizeParams(initMLP(fold(key(seed), 1), 2));
  const fake = await realizeParams(initMLP(fold(key(seed), 2), FAKE_INPUTS));
  const optimiser = adamw({ betas: [0, 0.99], weightDecay: 0 });
  const state = await realizeParams({ generator: optimiser.init(generator), fake: optimiser.init(fake) });
  const around = (rows: number) => {
    const cond = condition(1, rows);
    return { cond, nullCond: condition(0, rows), prompts: { ids: cond.ids } };
  };
  const gradientOf = (x0: Tensor, noise: { t: Tensor; eps: Tensor }, fakeParams: MLPParams) =>
    objective.generatorLoss(
      { x0, ...noise, ...around(x0.shape[0]) },
      { teacher, fake: fakeScore(fakeParams), reward: RIGHTWARD },
    ).loss;

  const step = compile((inputs: { key: Tensor; fakeLr: Tensor; lr?: Tensor }) => {
    let current = { params: fake as MLPParams, state: state.fake };
    for (let k = 0; isFaked && k < options.fakeSteps; k++) {
      const own = fold(inputs.key, k);
      const x0 = generate(generator, randn(fold(own, 0), [batch, 2]));
      const noise = drawNoise(lossConfig.time, fold(own, 1), [batch, 2]);
      const loss = fakeScoreLoss({ x0, ...noise, cond: {} }, fakeScore(current.params), lossConfig);
      const next = optimiser.update(current.params, gradTree(loss, current.params), current.state, {
        lr: inputs.fakeLr,
      });
      current = { params: next.params as MLPParams, state: next.state };
    }
    if (isFaked) {
      assignTree(fake, current.params);
      assignTree(state.fake, current.state);
    }
    if (!inputs.lr) return scalar(0);
    const own = fold(inputs.key, options.fakeSteps);
    const x0 = generate(generator, randn(fold(own, 0), [batch, 2]));
    const loss = gradientOf(x0, objective.draw(fold(own, 1), [batch, 2]), current.params);
    const next = optimiser.update(generator, gradTree(loss, generator), state.generator, { lr: inputs.lr });
    assignTree(generator, next.params);
    assignTree(state.generator, next.state);
    return loss;
  });
  const inputsOf = (i: number, lr?: number) => ({
    key: tensor(Uint32Array.of(seed, i)),
    fakeLr: scalar(options.fakeLr * decay(Math.max(0, i - options.warmup))),
    ...(lr === undefined ? {} : { lr: scalar(lr) }),
  });
  const decay = lrSchedule({ name: "cosine", lr: 1, totalSteps: options.steps });

  const points = Float32Array.from({ length: SIDE * SIDE * 2 }, (_, i) => {
    const at = i % 2 === 0 ? Math.floor(i / 2) % SIDE : Math.floor(i / 2 / SIDE);
    return WINDOW * (2 * (at + 0.5) / SIDE - 1);
  });
  const look = async (): Promise<View> => {
    const samples = generate(generator, randn(fold(key(seed), 3), [300, 2]));
    const grid = tensor(points, [SIDE * SIDE, 2]);
    const x0 = cat(Array.from({ length: DRAWS }, () => grid), 0);
    const loss = gradientOf(x0, objective.draw(fold(key(seed), 4), x0.shape), fake);
    const field = grad(loss, [x0])[0].mul(-x0.shape[0]).reshape([DRAWS, SIDE * SIDE, 2]).mean(0);
    return {
      samples: await samples.data() as Float32Array,
      grid: points,
      field: await field.data() as Float32Array,
    };
  };

  for (let i = 0; isFaked && i < options.warmup; i++) step(inputsOf(i));
  const before = await look();
  for (let i = 0; i < options.steps; i++) step(inputsOf(options.warmup + i, options.lr * decay(i)));
  const after = await look();
  return { before, after, seconds: (performance.now() - start) / 1000 };
}
