import { fakeScoreLoss, makeObjective, type ObjectiveInput } from "@dipp/objectives";
import { addNoise, guided, noiseLevel } from "@dipp/scores";
import { grad, type Tensor, zeros } from "@dipp/tensor";
import type { Outputs } from "../../area.ts";
import type { GoldenCase } from "../../golden_case.ts";
import { type CaseObjective, fakeScoreLossOfCase, objectiveOfCase } from "./case_objective.ts";
import { generate, reward, scoreModel } from "./toy_networks.ts";

/** What an objective is computed from. */
interface Problem {
  readonly one: GoldenCase;
  readonly info: CaseObjective;
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

/** An objective: its value, the field dL/dx0 and its parts, the predictions it is made of, gradients of weights. */
export function objective(one: GoldenCase): Outputs {
  const info = one.field<CaseObjective>("objective");
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
  const outputs = info.trains === "fake" ? fakeScore(problem) : generatorObjective(problem);
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
  const [epsTeacher, x0Teacher] = [mixed(uncond.eps, teacher.eps), mixed(uncond.x0, teacher.x0)];
  const normalizer = x0.sub(x0Teacher).abs().flatten(1).mean(1);
  const compared = info.cfg_inside === false ? teacher.eps : epsTeacher;
  const y2 = compared.sub(fake.eps).square().flatten(1).sum(1).div(level.sigma.square());
  const c = info.c ?? 1;
  return {
    x0,
    x_t: xt,
    eps_fake: fake.eps,
    eps_teacher_cond: teacher.eps,
    eps_teacher_uncond: uncond.eps,
    eps_teacher_guided: epsTeacher,
    reward: models.reward.score(x0, prompts),
    x0_teacher: x0Teacher,
    x0_fake: guided(models.fake, info.fake_omega ?? 1, nullCond).predict(xt, t, cond).x0,
    normalizer,
    weight_factor: normalizer.maximum(1e-5),
    distance: info.distance === "pseudo_huber" ? y2.add(c * c).sqrt().sub(c) : y2,
  };
}

/** An objective of the generator: its value and field, and those of its parts. */
function generatorObjective(problem: Problem): Record<string, Tensor> {
  const { info, x0, batch, models } = problem;
  const config = objectiveOfCase(info);
  const evaluate = (config: ObjectiveInput) => {
    const { loss, diagnostics } = makeObjective(config).generatorLoss({ x0, ...batch }, models);
    return { loss, diagnostics, field: grad(loss, [x0])[0] };
  };
  const { loss, diagnostics, field } = evaluate(config);
  const part = (name: string) => diagnostics[`loss/${name}`] ?? zeros([]);
  const isMean = config.name === "dmd" || config.name === "dmd2";
  return {
    loss,
    field_x0: field,
    // as the codes write it: before the mean over the batch, and over the elements where the loss is one
    field_g: field.mul(isMean ? field.size : field.shape[0]),
    loss_ikl: part("ikl"),
    loss_cfg: part("cfg"),
    loss_cfg_outside: part("cfg"),
    loss_sim: part("sim"),
    loss_reward: part("reward"),
    ...(config.name === "dipp" || config.name === "ikl" ? fieldsOfTerms(config, (c) => evaluate(c).field) : {}),
  };
}

/** The fields of DI++'s three terms, each evaluated alone. */
function fieldsOfTerms(
  { guidance, weight, normalization, alpha_rew = 0 }: ObjectiveInput & { name: "dipp" | "ikl"; alpha_rew?: number },
  fieldOf: (config: ObjectiveInput) => Tensor,
): Record<string, Tensor> {
  const common = { ...(weight ? { weight } : {}), ...(normalization ? { normalization } : {}) };
  const alpha = guidance && "alpha" in guidance ? guidance.alpha : 0;
  const ikl = fieldOf({ name: "ikl", ...common });
  return {
    field_ikl: ikl,
    field_cfg: alpha > 0 ? fieldOf({ name: "dipp", ...common, kl: false, guidance: { alpha } }) : zeros(ikl.shape),
    field_reward: alpha_rew > 0 ? fieldOf({ name: "draft1", alpha_rew }) : zeros(ikl.shape),
  };
}

/** A loss of the fake score. */
function fakeScore({ info, x0, batch, models }: Problem): Record<string, Tensor> {
  return { loss: fakeScoreLoss({ x0, ...batch }, models.fake, fakeScoreLossOfCase(info)) };
}
