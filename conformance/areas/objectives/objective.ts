import { DiffInstructPP, type DiffInstructPPInput, fakeScoreLoss, type NoiseWeight } from "@dipp/objectives";
import { addNoise, noiseLevel } from "@dipp/scores";
import { grad, stopGradient, type Tensor, zeros } from "@dipp/tensor";
import { type Outputs, Skipped } from "../../area.ts";
import type { GoldenCase } from "../../golden_case.ts";
import { generate, reward, scoreModel } from "./toy_networks.ts";

/** The settings of an objective, as a case writes them. */
interface ObjectiveInfo {
  readonly name: string;
  readonly trains: "generator" | "fake";
  readonly w?: string;
  readonly alpha_rew?: number;
  readonly alpha_cfg?: number;
}

/** What an objective is computed from. */
interface Problem {
  readonly one: GoldenCase;
  readonly info: ObjectiveInfo;
  readonly x0: Tensor;
  readonly batch: {
    readonly t: Tensor;
    readonly eps: Tensor;
    readonly cond: { readonly ids: Tensor };
    readonly nullCond: { readonly ids: Tensor };
    readonly prompts: { readonly ids: Tensor };
  };
  readonly models: {
    readonly teacher: ReturnType<typeof scoreModel>;
    readonly fake: ReturnType<typeof scoreModel>;
    readonly reward: ReturnType<typeof reward>;
  };
}

/** What computes each objective, by the name in its description. */
const OBJECTIVES: Readonly<Record<string, (problem: Problem) => Record<string, Tensor>>> = {
  di_pp: diffInstructPP,
  diff_instruct: diffInstructPP,
  dmd2,
  fake_eps_mse: (problem) => fakeScore(problem, "eps", "mean"),
  fake_score: (problem) => fakeScore(problem, "score", "sum"),
  fake_x0: (problem) => fakeScore(problem, "x0", "sum"),
  reward_only: rewardOnly,
};

/** An objective: its value, the field dL/dx0 and its parts, the predictions it is made of, gradients of weights. */
export function objective(one: GoldenCase): Outputs {
  const info = one.field<ObjectiveInfo>("objective");
  if (!Object.hasOwn(OBJECTIVES, info.name)) throw new Skipped(`there is no objective "${info.name}"`);
  const ids = one.input("class_id");
  const { null_class } = one.field<{ null_class: number }>("config");
  const problem: Problem = {
    one,
    info,
    x0: generate(one),
    batch: {
      t: one.input("timestep").cast("f32"),
      eps: one.input("noise"),
      cond: { ids },
      nullCond: { ids: ids.mul(0).add(null_class) },
      prompts: { ids: ids.unsqueeze(1) },
    },
    models: { teacher: scoreModel(one, "teacher"), fake: scoreModel(one, "fake"), reward: reward(one) },
  };
  const outputs = OBJECTIVES[info.name](problem);
  const names = [...one.weights.keys()].filter((name) => name.startsWith(`${info.trains}.`));
  const grads = grad(outputs.loss, names.map((name) => one.weight(name)));
  return {
    ...predictions(problem),
    ...outputs,
    ...Object.fromEntries(names.map((name, i) => [`grad.${name}`, grads[i]])),
  };
}

/** What the networks say, before any objective. */
function predictions({ info, x0, batch, models }: Problem): Record<string, Tensor> {
  const { t, eps, cond, nullCond, prompts } = batch;
  const level = noiseLevel(models.teacher.schedule, t);
  const xt = addNoise(x0, eps, level);
  const [fake, teacher, uncond] = [
    models.fake.predict(xt, t, cond),
    models.teacher.predict(xt, t, cond),
    models.teacher.predict(xt, t, nullCond),
  ];
  const omega = 1 + (info.alpha_cfg ?? 0);
  const mixed = (a: Tensor, b: Tensor) => a.add(b.sub(a).mul(omega));
  const x0Teacher = mixed(uncond.x0, teacher.x0);
  return {
    x0,
    x_t: xt,
    eps_fake: fake.eps,
    eps_teacher_cond: teacher.eps,
    eps_teacher_uncond: uncond.eps,
    eps_teacher_guided: mixed(uncond.eps, teacher.eps),
    reward: models.reward.score(x0, prompts),
    x0_teacher: x0Teacher,
    x0_fake: fake.x0,
    normalizer: x0.sub(x0Teacher).abs().flatten(1).mean(1),
  };
}

const WEIGHTS: Readonly<Record<string, NoiseWeight["name"]>> = {
  one: "constant",
  sigma2: "sigma2",
  sigma2_over_alpha2: "sigma2_over_alpha2",
  alpha2_over_sigma2: "snr",
};

function weightOf({ w = "one" }: ObjectiveInfo): NoiseWeight["name"] {
  if (!Object.hasOwn(WEIGHTS, w)) throw new Skipped(`there is no weight "${w}"`);
  return WEIGHTS[w];
}

/** Value and field of a DiffInstructPP. */
function evaluate({ x0, batch, models }: Problem, config: DiffInstructPPInput): { loss: Tensor; field: Tensor } {
  const { loss } = new DiffInstructPP(config).generatorLoss({ x0, ...batch }, models);
  return { loss, field: grad(loss, [x0])[0] };
}

function diffInstructPP(problem: Problem): Record<string, Tensor> {
  const { info, x0 } = problem;
  const common = { weight: weightOf(info), normalization: "none" } as const;
  const [alpha_rew, alpha] = [info.alpha_rew ?? 0, info.alpha_cfg ?? 0];
  const nothing = { loss: zeros([]), field: zeros(x0.shape) };
  const whole = evaluate(problem, { ...common, alpha_rew, guidance: { alpha } });
  const ikl = evaluate(problem, common);
  const cfg = alpha > 0 ? evaluate(problem, { ...common, kl: false, guidance: { alpha } }) : nothing;
  const rewarded = alpha_rew > 0 ? evaluate(problem, { ...common, kl: false, alpha_rew }) : nothing;
  return {
    loss: whole.loss,
    field_x0: whole.field,
    loss_ikl: ikl.loss,
    field_ikl: ikl.field,
    loss_cfg: cfg.loss,
    field_cfg: cfg.field,
    loss_reward: rewarded.loss,
    field_reward: rewarded.field,
  };
}

function rewardOnly(problem: Problem): Record<string, Tensor> {
  const { loss, field } = evaluate(problem, {
    kl: false,
    alpha_rew: problem.info.alpha_rew ?? 0,
    normalization: "none",
  });
  return { loss, field_x0: field };
}

/** DMD2's code: a field g on every sample, and the value 0.5 mean g^2, whose gradient is g / (number of elements). */
function dmd2(problem: Problem): Record<string, Tensor> {
  const { loss, field } = evaluate(problem, {
    guidance: { alpha: problem.info.alpha_cfg ?? 0 },
    weight: "sigma2_over_alpha2",
    normalization: "dmd",
    reduction: "mean",
  });
  const g = field.mul(field.size);
  // dipp's value is another (an inner product), its gradient the same: the value is moved, not what is differentiated
  const value = g.square().mean().mul(0.5);
  return { loss: loss.sub(stopGradient(loss)).add(stopGradient(value)), field_x0: field, field_g: g };
}

function fakeScore(
  { info, x0, batch, models }: Problem,
  target: "eps" | "x0" | "score",
  reduction: "sum" | "mean",
): Record<string, Tensor> {
  const weight = { name: weightOf(info), scale: 1, sigma_data: 0.5 };
  return { loss: fakeScoreLoss({ x0, ...batch }, models.fake, { target, weight, reduction }) };
}
