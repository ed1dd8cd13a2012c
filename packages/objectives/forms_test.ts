import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { grad, init, key, randn, type Tensor, tensor } from "@dipp/tensor";
import { addNoise, EDMSchedule, epsModel, type NetworkFn, noiseLevel, type ScoreModel, VPSchedule } from "@dipp/scores";
import { linearReward } from "@dipp/rewards";
import { discriminatorLoss, ganTerm } from "./gan_term.ts";
import { makeObjective, OBJECTIVE_NAMES, type ObjectiveInput } from "./make_objective.ts";
import { regressionTerm } from "./regression_term.ts";

await init();

const ROWS = 3, WIDTH = 4;
const x0 = await randn(key(1), [ROWS, WIDTH]).realize();
const eps = await randn(key(2), [ROWS, WIDTH]).realize();
const steps = tensor([120, 480, 800]);
const batch = { x0, eps, cond: {}, nullCond: {}, prompts: { ids: tensor([[1], [1], [1]], [ROWS, 1], "i32") } };
const vp = new VPSchedule(), ve = new EDMSchedule();

/** A noise network of the VP input and time. */
function network(seed: number): NetworkFn {
  const weight = randn(key(seed), [WIDTH, WIDTH]), bias = randn(key(seed + 1), [WIDTH]);
  return (x, t) => x.matmul(weight).add(bias).add(t.div(1000).unsqueeze(1)).tanh();
}

/** The same network on the variance-exploding scale: u = x / alpha, and its time is sigma / alpha. */
function asEDM(fn: NetworkFn): ScoreModel {
  return epsModel(
    (u, sigma, cond) => fn(u.mul(sigma.square().add(1).rsqrt().unsqueeze(1)), steps.add(sigma.mul(0)), cond),
    ve,
  );
}

Deno.test("the VP and the EDM form of one network give one field", async () => {
  const [teacher, fake] = [network(10), network(20)];
  const ratio = noiseLevel(vp, steps).sigma.div(noiseLevel(vp, steps).alpha);
  const inImages = { weight: "sigma2_over_alpha2" } as const;
  const configs: ObjectiveInput[] = [
    { name: "ikl", ...inImages },
    { name: "dipp", ...inImages, alpha_rew: 2 },
    { name: "dmd2" },
    { name: "sid" },
    { name: "sid_lsg" },
    { name: "sim", distance: "l2", weight: "sigma4_over_alpha2" },
  ];
  for (const config of configs) {
    const field = (t: Tensor, a: ScoreModel, b: ScoreModel) => {
      const models = { teacher: a, fake: b, reward: linearReward(randn(key(5), [WIDTH])) };
      const { loss } = makeObjective(config).generatorLoss({ ...batch, t }, models);
      return grad(loss, [x0])[0].data();
    };
    const [inVP, inEDM] = await Promise.all([
      field(steps, epsModel(teacher, vp), epsModel(fake, vp)),
      field(ratio, asEDM(teacher), asEDM(fake)),
    ]);
    inVP.forEach((g, i) => assertAlmostEquals(inEDM[i], g, 1e-4 * Math.max(1, Math.abs(g)), config.name));
    assert(inVP.some((g) => Math.abs(g) > 1e-3));
  }
});

Deno.test("where the fake score is the teacher and there is no reward, the field is zero, but for SDS", async () => {
  const model = epsModel(network(10), vp);
  for (const name of OBJECTIVE_NAMES) {
    if (name === "refl" || name === "draft1") continue;
    const { loss } = makeObjective({ name } as ObjectiveInput)
      .generatorLoss({ ...batch, t: steps }, { teacher: model, fake: model });
    const field = await grad(loss, [x0])[0].data();
    const largest = Math.max(...field.map(Math.abs));
    // Through the networks the two gradients cancel to rounding; elsewhere nothing is left to round.
    const bound = ["sid", "sid_lsg", "sim", "distar"].includes(name) ? 1e-5 : 0;
    assert(name === "sds" ? largest > 0.01 : largest <= bound, `${name}: ${largest}`);
  }
});

Deno.test("the networks' weights get no gradient from any objective, and the generator's noise scale does", async () => {
  const scale = tensor([0.7]), weight = await randn(key(3), [WIDTH, WIDTH]).realize();
  const net: NetworkFn = (x) => x.matmul(weight).tanh();
  const models = {
    teacher: epsModel(net, vp),
    fake: epsModel(network(20), vp),
    reward: linearReward(randn(key(5), [WIDTH])),
  };
  for (const name of OBJECTIVE_NAMES) {
    const { loss } = makeObjective({ name } as ObjectiveInput)
      .generatorLoss({ ...batch, x0: x0.mul(scale), t: steps }, models);
    const [onWeight, onScale] = grad(loss, [weight, scale]);
    assert((await onWeight.data()).every((g) => g === 0), name);
    assert(Math.abs(await onScale.item()) > 1e-6, name);
  }
});

Deno.test("a regression and a GAN are added to DMD, and are no divergence", async () => {
  const [teacher, fake] = [epsModel(network(10), vp), epsModel(network(20), vp)];
  const slope = randn(key(6), [WIDTH]);
  const discriminator = { logits: (xt: Tensor) => xt.mul(slope).sum(1) };
  const target = randn(key(7), [ROWS, WIDTH]);
  const evaluate = (more: Parameters<typeof makeObjective>[1]) =>
    makeObjective({ name: "dmd2" }, more)
      .generatorLoss({ ...batch, t: steps, target }, { teacher, fake, discriminator });
  const plain = evaluate([]), both = evaluate([ganTerm(0.5), regressionTerm(0.25)]);
  const { alpha, sigma } = noiseLevel(vp, steps);
  const [a, b, s, y, x, e, al, si] = await Promise.all(
    [grad(plain.loss, [x0])[0], grad(both.loss, [x0])[0], slope, target, x0, eps, alpha, sigma].map((v) => v.data()),
  );
  for (let row = 0; row < ROWS; row++) {
    const at = (v: ArrayLike<number>, i: number) => v[row * WIDTH + i];
    let logit = 0;
    for (let i = 0; i < WIDTH; i++) logit += s[i] * (al[row] * at(x, i) + si[row] * at(e, i));
    for (let i = 0; i < WIDTH; i++) {
      const gan = -0.5 * al[row] * s[i] / (1 + Math.exp(logit));
      const regression = 0.25 * 2 * (at(x, i) - at(y, i)) / WIDTH;
      assertAlmostEquals(at(b, i) - at(a, i), (gan + regression) / ROWS, 1e-5);
    }
  }
  assertAlmostEquals(
    await plain.diagnostics["field_norm/kl"].item(),
    await both.diagnostics["field_norm/kl"].item(),
    1e-6,
  );
  assertThrows(
    () => makeObjective({ name: "dmd2" }, [ganTerm(1)]).generatorLoss({ ...batch, t: steps }, { teacher, fake }),
    TypeError,
    'needs the model "discriminator"',
  );
});

Deno.test("the discriminator's loss is softplus of both sides, on noised samples without gradient", async () => {
  const slope = await randn(key(6), [WIDTH]).realize();
  const real = await randn(key(8), [ROWS, WIDTH]).realize();
  const loss = discriminatorLoss(
    { x0, real, t: steps, eps, cond: {} },
    { logits: (xt) => xt.mul(slope) },
    vp,
  );
  const level = noiseLevel(vp, steps);
  const [r, f, s] = await Promise.all(
    [addNoise(real, eps, level), addNoise(x0, eps, level), slope].map((v) => v.data()),
  );
  const softplus = (v: number) => Math.log1p(Math.exp(v));
  let expected = 0;
  r.forEach((v, i) => expected += (softplus(-v * s[i % WIDTH]) + softplus(f[i] * s[i % WIDTH])) / r.length);
  assertAlmostEquals(await loss.item(), expected, 1e-5);
  const [onFake, onReal, onSlope] = grad(loss, [x0, real, slope]);
  for (const still of [onFake, onReal]) assert((await still.data()).every((g) => g === 0));
  assert((await onSlope.data()).some((g) => g !== 0));
});
