import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { assign, compile, grad, init, key, randn, realize, type Tensor, tensor } from "@dipp/tensor";
import { EDMSchedule, guided, noiseLevel, predictionFromX0, type ScoreModel } from "@dipp/scores";
import { brightnessReward, linearReward } from "@dipp/rewards";
import { makeObjective, type ObjectiveInput } from "./make_objective.ts";
import { fakeScoreLoss, fakeScoreLossSchema } from "./fake_score_loss.ts";

await init();

const schedule = new EDMSchedule();

/** A score model whose denoised image is slope * x_t + the number in cond.ids (a mean for condition and null). */
function affineModel(slope: number, seen: number[] = []): ScoreModel {
  return {
    schedule,
    predict(xt, t, cond) {
      seen.push(xt.shape[0]);
      const shift = cond.ids!.cast("f32").reshape([xt.shape[0], ...xt.shape.slice(1).map(() => 1)]);
      return predictionFromX0(xt, xt.mul(slope).add(shift), noiseLevel(schedule, t));
    },
  };
}

const ids = (value: number, rows = 4) => ({ ids: tensor(new Int32Array(rows).fill(value), [rows, 1]) });

function batch(x0: Tensor) {
  return {
    x0,
    t: tensor([0.1, 0.5, 2, 10]),
    eps: randn(key(2), [...x0.shape]),
    cond: ids(1),
    nullCond: ids(0, 1),
    prompts: ids(1),
  };
}

Deno.test("DI++ has no gradient where teacher and fake agree", async () => {
  const x0 = await randn(key(1), [4, 3, 2, 2]).realize();
  const { loss, diagnostics } = makeObjective().generatorLoss(batch(x0), {
    teacher: affineModel(0.5),
    fake: affineModel(0.5),
  });
  assert((await grad(loss, [x0])[0].data()).every((g) => g === 0));
  assertEquals(await diagnostics.denoised_gap.item(), 0);
});

Deno.test("DI++ with CFG terms equals Diff-Instruct with a guided teacher", async () => {
  const x0 = await randn(key(1), [4, 3, 2, 2]).realize();
  for (const normalization of ["none", "dmd"] as const) {
    const models = { teacher: affineModel(0.5), fake: affineModel(0.2) };
    const composed = makeObjective({ guidance: { alpha: 2 }, normalization }).generatorLoss(batch(x0), models);
    const wrapped = makeObjective({ normalization }).generatorLoss(batch(x0), {
      ...models,
      teacher: guided(models.teacher, 3, ids(0, 1)),
    });
    const [a, b] = await Promise.all([composed, wrapped].map((r) => grad(r.loss, [x0])[0].data()));
    a.forEach((g, i) => assertAlmostEquals(g, b[i], 1e-5 * Math.max(1, Math.abs(b[i]))));
    assertAlmostEquals(
      await composed.diagnostics["field_norm/kl"].item(),
      await wrapped.diagnostics["field_norm/ikl"].item(),
      1e-3,
    );
  }
});

Deno.test("the plain field is the difference of the denoised images, summed or averaged", async () => {
  const x0 = await randn(key(1), [4, 3, 2, 2]).realize();
  const b = batch(x0);
  const models = { teacher: affineModel(0.5), fake: affineModel(0.2) };
  const xt = x0.add(b.eps.mul(b.t.reshape([4, 1, 1, 1])));
  const expected = await xt.mul(0.2 - 0.5).data();
  for (const [reduction, scale] of [["sum", 1], ["mean", 1 / 12]] as const) {
    const objective = makeObjective({ normalization: "none", reduction });
    const field = await grad(objective.generatorLoss(b, models).loss, [x0])[0].data();
    field.forEach((g, i) => assertAlmostEquals(g, expected[i] * scale / 4, 2e-5));
  }
});

Deno.test("the reward's field is alpha_rew times its gradient, and its ratio to the KL field is logged", async () => {
  const x0 = await randn(key(1), [4, 3, 2, 2]).realize();
  const weight = randn(key(9), [3, 2, 2]);
  const models = { teacher: affineModel(0.5), fake: affineModel(0.2), reward: linearReward(weight) };
  const only = makeObjective({ alpha_rew: 5, kl: false }).generatorLoss(batch(x0), models);
  const [field, w] = await Promise.all([grad(only.loss, [x0])[0].data(), weight.data()]);
  field.forEach((g, i) => assertAlmostEquals(g, -5 * w[i % 12] / 4, 1e-5));
  assert(!("field_norm/kl" in only.diagnostics));

  const both = makeObjective({ alpha_rew: 5 }).generatorLoss(batch(x0), models).diagnostics;
  const norm = 5 * Math.hypot(...w);
  assertAlmostEquals(await both["field_norm/reward"].item(), norm, 1e-3);
  const kl = await both["field_norm/kl"].item();
  assertAlmostEquals(await both["field_ratio/reward_to_kl"].item(), norm / kl, 1e-3 * norm / kl);
});

Deno.test("the reward sees what the decoder makes, and is differentiated through it", async () => {
  const x0 = await randn(key(1), [4, 3, 2, 2]).realize();
  const decoder = { decode: (x: Tensor) => x.mul(0.5).add(0.5) };
  const models = { teacher: affineModel(0), fake: affineModel(0), reward: brightnessReward(), decoder };
  const { loss } = makeObjective({ alpha_rew: 1, kl: false }).generatorLoss(batch(x0), models);
  const images = await decoder.decode(x0).mean([2, 3]).mul(tensor([0.299, 0.587, 0.114])).sum(1).mean().item();
  assertAlmostEquals(await loss.item(), -images, 1e-6);
  assertAlmostEquals((await grad(loss, [x0])[0].data())[0], -0.5 * 0.299 / 4 / 4, 1e-7);
});

Deno.test("without guidance the teacher is asked once, with it once for both conditions", () => {
  const x0 = randn(key(1), [4, 3, 2, 2]);
  for (const [alpha, rows] of [[0, 4], [1, 8]]) {
    const seen: number[] = [];
    makeObjective({ guidance: { alpha } })
      .generatorLoss(batch(x0), { teacher: affineModel(0.5, seen), fake: affineModel(0.2) });
    assertEquals(seen, [rows]);
  }
});

Deno.test("what is missing is named", () => {
  const x0 = randn(key(1), [4, 3, 2, 2]);
  const models = { teacher: affineModel(0.5), fake: affineModel(0.2) };
  const { nullCond: _n, prompts: _p, ...bare } = batch(x0);
  const loss = (config: ObjectiveInput, extra = {}) => () =>
    makeObjective(config).generatorLoss(bare, { ...models, ...extra });
  assertThrows(loss({ alpha_rew: 1 }), TypeError, '"reward" needs the model "reward"');
  assertThrows(loss({ alpha_rew: 1 }, { reward: brightnessReward() }), TypeError, "needs prompts");
  assertThrows(loss({ guidance: { alpha: 1 } }), TypeError, "needs a null condition");
});

Deno.test("the fake score learns the optimal denoiser of its samples in compiled steps", async () => {
  // x0 ~ N(1, 0.5^2) in one dimension: D(x) = (0.25 x + sigma^2) / (0.25 + sigma^2) at sigma = 1
  const params = await realizeParams();
  const config = fakeScoreLossSchema.parse({ weight: "constant" });
  const step = compile(({ key: k, lr }: { key: Tensor; lr: Tensor }) => {
    const x0 = randn(k, [256, 1]).mul(0.5).add(1);
    const model: ScoreModel = {
      schedule,
      predict: (xt, t) => predictionFromX0(xt, xt.mul(params.slope).add(params.shift), noiseLevel(schedule, t)),
    };
    const eps = randn(k.add(1), [256, 1]);
    const loss = fakeScoreLoss({ x0, eps, t: tensor(new Array(256).fill(1)), cond: {} }, model, config);
    const [slope, shift] = grad(loss, [params.slope, params.shift]);
    assign(params.slope, params.slope.sub(slope.mul(lr)));
    assign(params.shift, params.shift.sub(shift.mul(lr)));
    return loss;
  });
  for (let i = 0; i < 300; i++) step({ key: tensor(Uint32Array.of(3, 2 * i)), lr: tensor([0.1 / (1 + i / 30)]) });
  assertAlmostEquals(await params.slope.item(), 0.2, 0.02);
  assertAlmostEquals(await params.shift.item(), 0.8, 0.03);
});

async function realizeParams(): Promise<{ slope: Tensor; shift: Tensor }> {
  const params = { slope: tensor([0]), shift: tensor([0]) };
  await realize(params.slope, params.shift);
  return params;
}
