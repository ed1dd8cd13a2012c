import { compile, realize, type Tensor, tensor, type Tree, zeros } from "@dipp/tensor";
import { condFields } from "../cond.ts";
import type { Cond, ScoreModel } from "../types.ts";

/** What a sampler asks of a model: the noise in `x` (its scaled input) at time `t` (`[B]`). */
export type EpsFn = (x: Tensor, t: Tensor) => Tensor;

/** What a sampler carries from step to step. */
export type SamplerState = {
  /** The sample, `[B, ...]`. */
  x: Tensor;
  /** The previous step's denoised image, for multistep methods. */
  previousX0?: Tensor;
};

/**
 * One step of a sampler. Its coefficients are tensors of one element, so that
 * one traced step serves the whole trajectory.
 */
export type StepUpdate = (
  state: SamplerState,
  eps: EpsFn,
  coefficients: Record<string, Tensor>,
) => SamplerState;

/** A sampler made for one schedule and number of steps: numbers, and how to use them. */
export interface Sampler {
  /** Standard deviation of the initial sample. */
  readonly initNoiseSigma: number;
  /** The time at which each step first evaluates the model. */
  readonly timesteps: readonly number[];
  /** The steps in order; `t` is one of the coefficients. */
  readonly steps: readonly {
    readonly update: StepUpdate;
    readonly coefficients: Readonly<Record<string, number>>;
  }[];
  /** Whether the state holds the previous denoised image. */
  readonly multistep?: boolean;
}

/** How to draw with {@linkcode sample} or {@linkcode makeSampleFn}. */
export interface SampleOptions {
  /** The sampler. */
  readonly sampler: Sampler;
  /**
   * Compile the step: it is traced once and replayed, each call submitted at
   * once. Without it the whole trajectory is one lazy graph.
   */
  readonly compile?: boolean;
  /** Called after every step with the number of steps done and the sample. */
  readonly onStep?: (done: number, x: Tensor) => void;
}

/**
 * Makes a function that draws samples. With `compile`, its plans are kept, so
 * make it once and call it often; noise and condition must then be data or
 * realised tensors, as for every compiled function.
 *
 * @param model The score model, or a bare noise prediction.
 * @param options Sampler and mode.
 * @returns A function of noise (N(0, I), `[B, ...]`) and condition to samples.
 */
export function makeSampleFn(
  model: ScoreModel | EpsFn,
  options: SampleOptions,
): (noise: Tensor, cond?: Cond) => Tensor {
  const { sampler, onStep } = options;
  const maybeCompile: <In extends Tree<Tensor>, Out extends Tree<Tensor>>(
    fn: (inputs: In) => Out,
  ) => (inputs: In) => Out = options.compile ? compile : (fn) => fn;
  const start = maybeCompile((noise: Tensor): SamplerState => ({
    x: noise.mul(sampler.initNoiseSigma),
    ...(sampler.multistep ? { previousX0: zeros(noise.shape) } : {}),
  }));
  const stepFns = new Map<StepUpdate, StepFn>();
  for (const { update, coefficients } of sampler.steps) {
    if (stepFns.has(update)) continue;
    const names = Object.keys(coefficients);
    stepFns.set(update, maybeCompile(traceableStep(model, update, names)));
  }
  return (noise, cond = {}) => {
    let state = start(noise);
    sampler.steps.forEach(({ update, coefficients }, i) => {
      state = stepFns.get(update)!({
        state,
        coefficients: tensor(Float32Array.from(Object.values(coefficients))),
        cond: condFields(cond),
      });
      onStep?.(i + 1, state.x);
    });
    return state.x;
  };
}

/**
 * Draws samples from a score model.
 *
 * @param model The score model, or a bare noise prediction.
 * @param options Noise (N(0, I), `[B, ...]`), condition, sampler and mode.
 * @returns Samples, shaped like the noise.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { init, ones } from "@dipp/tensor";
 * import { EDMSchedule, heun, sample } from "@dipp/scores";
 *
 * await init();
 * // All data is the point 3: the noise in x is (x - 3) / sigma.
 * const x = await sample((x, t) => x.sub(3).div(t.reshape([1, 1])), {
 *   noise: ones([1, 1]),
 *   sampler: heun(new EDMSchedule(), { steps: 4 }),
 *   compile: true,
 * });
 * assertAlmostEquals(await x.item(), 3, 1e-4);
 * ```
 */
export async function sample(
  model: ScoreModel | EpsFn,
  options: SampleOptions & { noise: Tensor; cond?: Cond },
): Promise<Tensor> {
  const { noise, cond = {} } = options;
  await realize(noise, ...Object.values(condFields(cond)));
  return makeSampleFn(model, options)(noise, cond);
}

type StepInputs = {
  state: SamplerState;
  coefficients: Tensor;
  cond: Record<string, Tensor>;
};
type StepFn = (inputs: StepInputs) => SamplerState;

/** A step as a function of tensors only: coefficients arrive packed in one tensor. */
function traceableStep(
  model: ScoreModel | EpsFn,
  update: StepUpdate,
  names: string[],
): StepFn {
  return ({ state, coefficients, cond }) => {
    const c = Object.fromEntries(
      names.map((name, i) => [name, coefficients.slice([[i, i + 1]])]),
    );
    const eps: EpsFn = typeof model === "function" ? model : (x, t) => model.predict(x, t, cond).eps;
    return update(state, eps, c);
  };
}
