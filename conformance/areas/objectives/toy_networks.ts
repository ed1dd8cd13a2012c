import { type Cond, epsModel, type NoiseSchedule, type ScoreModel } from "@dipp/scores";
import type { Reward } from "@dipp/rewards";
import { cat, conv2d, indexSelect, linear, stack, type Tensor, tensor } from "@dipp/tensor";
import type { GoldenCase } from "../../golden_case.ts";

/** What the networks of a case are. */
interface NetworkConfig {
  readonly arch: "mlp" | "conv";
  readonly space: "vp" | "ve";
  readonly generator: { readonly kind: string } & Readonly<Record<string, number>>;
}

type Net = (x: Tensor, t: Tensor, ids: Tensor) => Tensor;

/** The case's schedule: alpha and sigma are given for each sample, so time is only passed through. */
function givenSchedule(one: GoldenCase): NoiseSchedule {
  const [alpha, sigma] = [one.input("alpha"), one.input("sigma")];
  const rows = (v: Tensor, t: Tensor) => {
    const copies = t.shape[0] / v.shape[0]; // guidance doubles the batch
    return copies === 1 ? v : cat(Array.from({ length: copies }, () => v), 0);
  };
  return {
    kind: one.field<NetworkConfig>("config").space,
    alpha: (t) => rows(alpha, t),
    sigma: (t) => rows(sigma, t),
    snr: (t) => rows(alpha.div(sigma).square(), t),
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
function network(one: GoldenCase, prefix: string): Net {
  const w = (name: string) => one.weight(`${prefix}.${name}`);
  const fc = (name: string, x: Tensor) => linear(x, w(`${name}.weight`), w(`${name}.bias`));
  const { arch } = one.field<NetworkConfig>("config");
  if (arch === "mlp") {
    return (x, t, ids) => {
      const h = cat([x.flatten(1), timeFeatures(t), indexSelect(w("emb.weight"), 0, ids)], 1);
      return fc("fc3", fc("fc2", fc("fc1", h).silu()).silu()).reshape([...x.shape]);
    };
  }
  if (arch !== "conv") throw new TypeError(`config.arch is ${JSON.stringify(arch)}, expected "mlp" or "conv"`);
  const conv = (name: string, x: Tensor) => conv2d(x, w(`${name}.weight`), { bias: w(`${name}.bias`), padding: 1 });
  return (x, t, ids) => {
    const bias = fc("tproj", timeFeatures(t)).add(indexSelect(w("emb.weight"), 0, ids));
    const h = conv("conv1", x).add(bias.unsqueeze(2).unsqueeze(3)).silu();
    return conv("conv3", conv("conv2", h).silu());
  };
}

/** The network PREFIX.* as a score model; VE networks see x / sqrt(sigma^2 + 1). */
export function scoreModel(one: GoldenCase, prefix: string): ScoreModel {
  const schedule = givenSchedule(one);
  const net = network(one, prefix);
  return epsModel((x, t, cond: Cond) => {
    if (schedule.kind === "vp") return net(x, t, cond.ids!);
    const scale = schedule.sigma(t).square().add(1).rsqrt();
    return net(x.mul(scale.reshape([x.shape[0], 1, 1, 1])), t, cond.ids!);
  }, schedule);
}

/** The case's generator applied to its z. */
export function generate(one: GoldenCase): Tensor {
  const { generator } = one.field<NetworkConfig>("config");
  const [z, ids] = [one.input("z"), one.input("class_id")];
  if (generator.kind === "direct") {
    const w = (name: string) => one.weight(`generator.${name}`);
    const h = cat([z.flatten(1), indexSelect(w("emb.weight"), 0, ids)], 1);
    const hidden = linear(h, w("fc1.weight"), w("fc1.bias")).tanh();
    return linear(hidden, w("fc2.weight"), w("fc2.bias")).reshape([...z.shape]);
  }
  if (generator.kind !== "one_step_eps") throw new TypeError(`config.generator.kind is "${generator.kind}"`);
  const { input_scale, sigma_T, alpha_T, t_T } = generator;
  const xT = z.mul(input_scale);
  const t = tensor(new Array(z.shape[0]).fill(t_T));
  return xT.sub(network(one, "generator")(xT, t, ids).mul(sigma_T)).div(alpha_T);
}

/** r(x, c) = fc2(tanh(fc1(flatten x) + emb[c])). */
export function reward(one: GoldenCase): Reward {
  const w = (name: string) => one.weight(`reward.${name}`);
  return {
    score: (x, { ids }) => {
      const h = linear(x.flatten(1), w("fc1.weight"), w("fc1.bias"))
        .add(indexSelect(w("emb.weight"), 0, ids.flatten(0)));
      return linear(h.tanh(), w("fc2.weight"), w("fc2.bias")).squeeze(1);
    },
  };
}
