// Reads the reference cases under testdata/objectives for this package's tests, and builds their tiny networks.

import { assert } from "@std/assert";
import { parseSafetensors } from "@dipp/nn";
import { cat, conv2d, grad, indexSelect, linear, stack, type Tensor, tensor } from "@dipp/tensor";
import { type Cond, epsModel, type NoiseSchedule, type ScoreModel } from "@dipp/scores";
import type { Reward } from "@dipp/rewards";
import { fakeScoreLoss } from "./fake_score_loss.ts";
import { type CaseObjective, fakeScoreLossOfCase, objectiveOfCase } from "./golden_cases.ts";
import { makeObjective } from "./make_objective.ts";
import type { GeneratorBatch } from "./objective.ts";

/** What the tests need of case.json. */
export interface GoldenInfo {
  readonly id: string;
  readonly objective: CaseObjective;
  readonly config: {
    readonly arch: "mlp" | "conv";
    readonly space: "vp" | "ve";
    readonly null_class: number;
    readonly generator: { readonly kind: string } & Record<string, number>;
  };
  readonly tolerance: { readonly rel: Readonly<Record<string, number>> };
}

/** A case: its description, its inputs and weights as tensors, its outputs as numbers. */
export interface Golden {
  readonly info: GoldenInfo;
  readonly inputs: Record<string, Tensor>;
  readonly weights: Record<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Float32Array>;
}

const ROOT = new URL("../../testdata/objectives/", import.meta.url);

/** Loads testdata/objectives/`name`, or the same of another folder. */
export function goldenObjective(name: string, root: URL = ROOT): Golden {
  const folder = new URL(`${name}/`, root);
  const entries = (file: string) =>
    parseSafetensors(Deno.readFileSync(new URL(file, folder)), `${name}/${file}`).tensors;
  const tensors = (file: string) =>
    Object.fromEntries(
      [...entries(file)].map(([key, e]) => [
        key,
        e.dtype === "I32"
          ? tensor(new Int32Array(e.data.slice().buffer), [...e.shape], "i32")
          : tensor(e.toFloat32(), [...e.shape]),
      ]),
    );
  return {
    info: JSON.parse(Deno.readTextFileSync(new URL("case.json", folder))),
    inputs: tensors("inputs.safetensors"),
    weights: tensors("weights.safetensors"),
    outputs: new Map([...entries("outputs.safetensors")].map(([key, e]) => [key, e.toFloat32()])),
  };
}

/** Names of all cases, the closed forms aside. */
export function goldenNames(): string[] {
  return ["mlp_vp", "conv_vp", "mlp_ve"].flatMap((setup) =>
    [...Deno.readDirSync(new URL(`${setup}/`, ROOT))].map((e) => `${setup}/${e.name}`)
  ).sort();
}

/** max_i |a_i - b_i| / max(|b_i|, rms(b)). */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert(actual.length === expected.length, `${actual.length} elements, expected ${expected.length}`);
  const rms = Math.sqrt(Array.from(expected).reduce((s, x) => s + x * x, 0) / expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / (rms === 0 ? 0.01 : Math.max(Math.abs(expected[i]), rms));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/** The case's schedule: alpha and sigma are given per sample, so time is only passed through. */
function givenSchedule({ info, inputs }: Golden): NoiseSchedule {
  const rows = (v: Tensor, t: Tensor) => {
    const copies = t.shape[0] / v.shape[0]; // guidance doubles the batch
    return copies === 1 ? v : cat(Array.from({ length: copies }, () => v), 0);
  };
  return {
    kind: info.config.space,
    alpha: (t) => rows(inputs.alpha, t),
    sigma: (t) => rows(inputs.sigma, t),
    snr: (t) => rows(inputs.alpha.div(inputs.sigma).square(), t),
    timeOfRatio: () => 0,
  };
}

/** tf(t) = [t/1000, cos(2 pi t/1000), sin(2 pi t/1000)]. */
function timeFeatures(t: Tensor): Tensor {
  const u = t.cast("f32").div(1000);
  const angle = u.mul(2 * Math.PI);
  return stack([u, angle.cos(), angle.sin()], 1);
}

/** The case's mlp or conv network with the weights PREFIX.*. */
export function network(golden: Golden, prefix: string): (x: Tensor, t: Tensor, ids: Tensor) => Tensor {
  const w = (name: string) => golden.weights[`${prefix}.${name}`];
  const fc = (name: string, x: Tensor) => linear(x, w(`${name}.weight`), w(`${name}.bias`));
  if (golden.info.config.arch === "mlp") {
    return (x, t, ids) => {
      const h = cat([x.flatten(1), timeFeatures(t), indexSelect(w("emb.weight"), 0, ids)], 1);
      return fc("fc3", fc("fc2", fc("fc1", h).silu()).silu()).reshape([...x.shape]);
    };
  }
  const conv = (name: string, x: Tensor) => conv2d(x, w(`${name}.weight`), { bias: w(`${name}.bias`), padding: 1 });
  return (x, t, ids) => {
    const bias = fc("tproj", timeFeatures(t)).add(indexSelect(w("emb.weight"), 0, ids));
    const h = conv("conv1", x).add(bias.unsqueeze(2).unsqueeze(3)).silu();
    return conv("conv3", conv("conv2", h).silu());
  };
}

/** The network PREFIX.* as a score model; VE networks see x / sqrt(sigma^2 + 1). */
export function scoreModel(golden: Golden, prefix: string): ScoreModel {
  const schedule = givenSchedule(golden);
  const net = network(golden, prefix);
  return epsModel((x, t, cond: Cond) => {
    if (golden.info.config.space === "vp") return net(x, t, cond.ids!);
    const scale = schedule.sigma(t).square().add(1).rsqrt();
    return net(x.mul(scale.reshape([x.shape[0], 1, 1, 1])), t, cond.ids!);
  }, schedule);
}

/** The case's generator applied to its z. */
export function generate(golden: Golden): Tensor {
  const { config } = golden.info;
  const { z, class_id: ids } = golden.inputs;
  if (config.generator.kind === "direct") {
    const w = (name: string) => golden.weights[`generator.${name}`];
    const h = cat([z.flatten(1), indexSelect(w("emb.weight"), 0, ids)], 1);
    const hidden = linear(h, w("fc1.weight"), w("fc1.bias")).tanh();
    return linear(hidden, w("fc2.weight"), w("fc2.bias")).reshape([...z.shape]);
  }
  const { input_scale, sigma_T, alpha_T, t_T } = config.generator;
  const xT = z.mul(input_scale);
  const t = tensor(new Array(z.shape[0]).fill(t_T));
  return xT.sub(network(golden, "generator")(xT, t, ids).mul(sigma_T)).div(alpha_T);
}

/** r(x, c) = fc2(tanh(fc1(flatten x) + emb[c])). */
export function reward({ weights: w }: Golden): Reward {
  return {
    score: (x, { ids }) => {
      const h = linear(x.flatten(1), w["reward.fc1.weight"], w["reward.fc1.bias"])
        .add(indexSelect(w["reward.emb.weight"], 0, ids.flatten(0)));
      return linear(h.tanh(), w["reward.fc2.weight"], w["reward.fc2.bias"]).squeeze(1);
    },
  };
}

/** The case's noise and conditions, as an objective takes them. */
export function batchOf({ info, inputs }: Golden): Omit<GeneratorBatch, "x0"> & { readonly nullCond: Cond } {
  const { class_id: ids, timestep, noise: eps } = inputs;
  return {
    t: timestep.cast("f32"),
    eps,
    cond: { ids },
    nullCond: { ids: ids.mul(0).add(info.config.null_class) },
    prompts: { ids: ids.unsqueeze(1) },
  };
}

/** All that a case stores and this package computes: value, field, the losses of the terms, the trained gradients. */
export function evaluateCase(golden: Golden): Record<string, Tensor> {
  const { info: { objective }, weights } = golden;
  const x0 = generate(golden), batch = { x0, ...batchOf(golden) }, fake = scoreModel(golden, "fake");
  const trained = Object.keys(weights).filter((name) => name.startsWith(`${objective.trains}.`));
  const gradients = (loss: Tensor) =>
    Object.fromEntries(grad(loss, trained.map((n) => weights[n])).map((g, i) => [`grad.${trained[i]}`, g]));
  if (objective.trains === "fake") {
    const loss = fakeScoreLoss(batch, fake, fakeScoreLossOfCase(objective));
    return { loss, ...gradients(loss) };
  }
  const models = { teacher: scoreModel(golden, "teacher"), fake, reward: reward(golden) };
  const { loss, diagnostics } = makeObjective(objectiveOfCase(objective)).generatorLoss(batch, models);
  const terms = Object.entries(diagnostics).flatMap(([key, value]) => {
    const term = /^loss\/(.*)$/.exec(key)?.[1];
    const name = term === "cfg" && objective.name === "di_star" ? "loss_cfg_outside" : `loss_${term}`;
    return term && golden.outputs.has(name) ? [[name, value]] : [];
  });
  return { loss, field_x0: grad(loss, [x0])[0], ...Object.fromEntries(terms), ...gradients(loss) };
}
