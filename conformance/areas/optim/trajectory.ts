import {
  accumulate,
  adam,
  adamw,
  assignTree,
  clipByGlobalNorm,
  ema,
  emaUpdate,
  flattenParams,
  globalNorm,
  gradTree,
  linear,
  loadParams,
  lrSchedule,
  type LrScheduleName,
  type Optimiser,
  type Params,
  realizeParams,
  sgd,
  zerosLike,
  zipParams,
} from "@dipp/nn";
import { compile, mseLoss, scalar, type Tensor, zeros } from "@dipp/tensor";
import { type Outputs, Skipped } from "../../area.ts";
import type { GoldenCase } from "../../golden_case.ts";

/** What a trajectory is computed with. */
interface TrajectoryConfig {
  readonly optimizer: string;
  readonly options: { readonly lr: number; readonly betas?: [number, number]; readonly weight_decay?: number };
  readonly ema_decay: number;
  readonly accumulate?: number;
  readonly max_grad_norm?: number;
  readonly no_decay_on_bias?: boolean;
  readonly schedule?: {
    readonly name: LrScheduleName;
    readonly warmup_steps: number;
    readonly total_steps: number;
  };
}

type State = Params & { step: Tensor };

const OPTIMISERS: Readonly<Record<string, (options: never) => unknown>> = { Adam: adam, AdamW: adamw, SGD: sgd };

function optimiserOf({ optimizer, options, no_decay_on_bias }: TrajectoryConfig): Optimiser<State> {
  if (!Object.hasOwn(OPTIMISERS, optimizer)) throw new Skipped(`there is no optimiser "${optimizer}"`);
  const { weight_decay, ...rest } = options;
  const settings = {
    ...rest,
    ...(weight_decay === undefined ? {} : { weightDecay: weight_decay }),
    ...(no_decay_on_bias ? { decays: (name: string) => !name.endsWith("bias") } : {}),
  };
  return OPTIMISERS[optimizer](settings as never) as Optimiser<State>;
}

function rateOf({ options: { lr }, schedule: s }: TrajectoryConfig): (step: number) => number {
  if (!s) return () => lr;
  return lrSchedule({ lr, name: s.name, warmupSteps: s.warmup_steps, totalSteps: s.total_steps });
}

/** The step n of outputs called `<what><n>.<name>`. */
function stepsOf(one: GoldenCase, what: string): Set<number> {
  const steps = [...one.outputs.keys()].map((name) => name.match(`^${what}(\\d+)\\.`)?.[1]);
  return new Set(steps.filter((step) => step !== undefined).map(Number));
}

/**
 * Steps of an optimiser on the regression mean((fc2(tanh(fc1 x)) - y)^2), with clipping, accumulation and a moving
 * average, in compiled steps; as many as there are losses. Parameters, average and state are compared at the steps for
 * which they are stored.
 */
export async function trajectory(one: GoldenCase): Promise<Outputs> {
  const config = one.field<TrajectoryConfig>("config");
  const params = await realizeParams(loadParams(regression(one), one.weights));
  const optimiser = optimiserOf(config);
  const state = await realizeParams(optimiser.init(params));
  const { shadow } = await realizeParams(ema().init(params));
  const parts = config.accumulate ?? 1;
  const { add } = accumulate(parts);
  const sum = await realizeParams(zerosLike(params));

  const backward = compile(({ x, y }: { x: Tensor; y: Tensor }) => {
    const loss = mseLoss(linear.apply(params.fc2, linear.apply(params.fc1, x).tanh()), y);
    assignTree(sum, add(sum, gradTree(loss, params)));
    return { loss: loss.div(parts) };
  });
  const update = compile(({ lr, decay }: { lr: Tensor; decay: Tensor }) => {
    const { max_grad_norm: limit } = config;
    const { grads, norm } = limit ? clipByGlobalNorm(sum, limit) : { grads: sum, norm: globalNorm(sum) };
    const next = optimiser.update(params, grads, state, { lr });
    assignTree(params, next.params);
    assignTree(state, next.state);
    assignTree(shadow, emaUpdate(shadow, next.params, decay));
    assignTree(sum, zerosLike(sum));
    // Times one: the sum itself is about to be emptied
    return { norm, grads: zipParams(([g]) => g.mul(1), grads) };
  });

  const actual: Record<string, ArrayLike<number>> = {};
  const record = async (prefix: string, tree: Params, suffix = "") => {
    for (const [name, leaf] of flattenParams(tree)) actual[`${prefix}.${name}${suffix}`] = await leaf.data();
  };
  const count = one.output("losses").size;
  const [at, averageAt, stateAt] = ["step", "ema", "state"].map((what) => stepsOf(one, what));
  const [rates, decays, losses, norms] = [[], [], [], []] as number[][];
  const batches = { x: one.input("x"), y: one.input("y") };
  const [minibatches, rows] = batches.x.shape;
  const part = async (name: "x" | "y", k: number, i: number) => {
    const size = rows / parts;
    const values = batches[name].slice([[k % minibatches, k % minibatches + 1], [i * size, (i + 1) * size]]).squeeze(0);
    return (await realizeParams({ values })).values;
  };
  for (let k = 0; k < count; k++) {
    losses.push(0);
    for (let i = 0; i < parts; i++) {
      losses[k] += await backward({ x: await part("x", k, i), y: await part("y", k, i) }).loss.item();
    }
    rates.push(rateOf(config)(k));
    decays.push(Math.min(config.ema_decay, (2 + k) / (11 + k)));
    const { norm, grads } = update({ lr: scalar(rates[k]), decay: scalar(decays[k]) });
    norms.push(await norm.item());
    if (at.has(k + 1)) await record(`step${k + 1}`, params);
    if (averageAt.has(k + 1)) await record(`ema${k + 1}`, shadow);
    if (!stateAt.has(k + 1)) continue;
    for (const [slot, tree] of Object.entries(state)) {
      if (slot !== "step") await record(`state${k + 1}`, tree as Params, `.${slot}`);
    }
    // Without a first moment the gradient itself is the direction
    if (config.options.betas?.[0] === 0) await record(`state${k + 1}`, grads, ".exp_avg");
  }
  return { ...actual, losses, grad_norms: norms, learning_rates: rates, ema_decays: decays };
}

/** Zeros in the shapes of the case's two layers. */
function regression(one: GoldenCase): Record<"fc1" | "fc2", { weight: Tensor; bias: Tensor }> {
  const like = (name: string) => zeros(one.weight(name).shape);
  const layer = (name: string) => ({ weight: like(`${name}.weight`), bias: like(`${name}.bias`) });
  return { fc1: layer("fc1"), fc2: layer("fc2") };
}
