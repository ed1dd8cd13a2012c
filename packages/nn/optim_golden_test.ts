// Twenty-step trajectories of torch.optim on a tiny regression.

import { compile, init, mseLoss, scalar, type Tensor, tensor, zeros } from "@dipp/tensor";
import { accumulate } from "./accumulate.ts";
import { adam, adamw } from "./adamw.ts";
import { loadParams } from "./checkpoint.ts";
import { clipByGlobalNorm, globalNorm } from "./clip.ts";
import { ema, emaUpdate } from "./ema.ts";
import { assertGolden, goldenCase, goldenNames } from "./golden.ts";
import * as linear from "./linear.ts";
import { lrSchedule, type LrScheduleName } from "./lr_schedule.ts";
import type { Optimiser } from "./optimiser.ts";
import { assignTree, flattenParams, gradTree, type Params, realizeParams, zerosLike, zipParams } from "./params.ts";
import { sgd } from "./sgd.ts";

interface Config {
  optimizer: "Adam" | "AdamW" | "SGD";
  options: {
    lr: number;
    betas?: [number, number];
    eps?: number;
    weight_decay?: number;
    amsgrad?: boolean;
    momentum?: number;
    dampening?: number;
    nesterov?: boolean;
  };
  ema_decay: number;
  accumulate?: number;
  max_grad_norm?: number;
  no_decay_on_bias?: boolean;
  schedule?: {
    name: LrScheduleName;
    warmup_steps: number;
    total_steps: number;
  };
}

function optimiserOf(config: Config): Optimiser<Params & { step: Tensor }> {
  const { weight_decay: weightDecay, ...options } = config.options;
  const settings = {
    ...options,
    ...(weightDecay === undefined ? {} : { weightDecay }),
    ...(config.no_decay_on_bias ? { decays: (name: string) => !name.endsWith("bias") } : {}),
  };
  const make = { Adam: adam, AdamW: adamw, SGD: sgd }[config.optimizer];
  return make(settings) as Optimiser<Params & { step: Tensor }>;
}

async function run(name: string): Promise<void> {
  await init();
  const golden = goldenCase<Config>("optim", name);
  const { config } = golden;
  const template = {
    fc1: { weight: zeros([7, 5]), bias: zeros([7]) },
    fc2: { weight: zeros([3, 7]), bias: zeros([3]) },
  };
  const params = await realizeParams(loadParams(template, golden.weights));
  const optimiser = optimiserOf(config);
  const state = await realizeParams(optimiser.init(params));
  const average = ema();
  const { shadow } = await realizeParams(average.init(params));
  const parts = config.accumulate ?? 1;
  const { add } = accumulate(parts);
  const sum = await realizeParams(zerosLike(params));

  const backward = compile(({ x, y }: { x: Tensor; y: Tensor }) => {
    const hidden = linear.apply(params.fc1, x).tanh();
    const loss = mseLoss(linear.apply(params.fc2, hidden), y);
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
    // Times one: the sum itself is about to be emptied.
    return { norm, grads: zipParams(([g]) => g.mul(1), grads) };
  });

  const { lr: base } = config.options;
  const lrAt = config.schedule
    ? lrSchedule({
      lr: base,
      name: config.schedule.name,
      warmupSteps: config.schedule.warmup_steps,
      totalSteps: config.schedule.total_steps,
    })
    : () => base;
  const actual = new Map<string, ArrayLike<number>>();
  const record = async (prefix: string, tree: Params, suffix = "") => {
    for (const [key, leaf] of flattenParams(tree)) {
      actual.set(`${prefix}.${key}${suffix}`, await leaf.data());
    }
  };
  const rates: number[] = [];
  const decays: number[] = [];
  const losses: Tensor[] = [];
  const norms: Tensor[] = [];
  let last: Params = sum;
  const part = (name: string, k: number, i: number) => {
    const entry = golden.inputs.get(name)!;
    const rows = 8 / parts;
    const width = entry.shape[2];
    const start = ((k % 4) * 8 + i * rows) * width;
    const values = entry.toFloat32().slice(start, start + rows * width);
    return tensor(values, [rows, width]);
  };
  for (let k = 0; k < 20; k++) {
    for (let i = 0; i < parts; i++) {
      losses.push(backward({ x: part("x", k, i), y: part("y", k, i) }).loss);
    }
    rates.push(lrAt(k));
    decays.push(Math.min(config.ema_decay, (2 + k) / (11 + k)));
    const { norm, grads } = update({
      lr: scalar(rates[k]),
      decay: scalar(decays[k]),
    });
    norms.push(norm);
    last = grads;
    if ([1, 2, 5, 10, 20].includes(k + 1)) await record(`step${k + 1}`, params);
  }
  await record("ema20", shadow);
  const moments = state as Record<string, Params>;
  for (const key of ["exp_avg", "exp_avg_sq", "momentum_buffer"]) {
    if (moments[key]) await record("state20", moments[key], `.${key}`);
  }
  // Without a first moment the gradient itself is the direction.
  if (config.options.betas?.[0] === 0) {
    await record("state20", last, ".exp_avg");
  }
  const values = (tensors: Tensor[]) => Promise.all(tensors.map((t) => t.item()));
  const each = await values(losses);
  actual.set(
    "losses",
    Array.from(
      { length: 20 },
      (_, k) => each.slice(k * parts, (k + 1) * parts).reduce((a, b) => a + b),
    ),
  );
  actual.set("grad_norms", await values(norms));
  actual.set("learning_rates", rates);
  actual.set("ema_decays", decays);
  assertGolden(golden, actual);
}

for (const name of goldenNames("optim", /^(adam|sgd)/)) {
  Deno.test(`20 steps match torch.optim: ${name}`, () => run(name));
}
