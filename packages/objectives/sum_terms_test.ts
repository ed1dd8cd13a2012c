import { grad, init, key, randn, tensor } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { EDMSchedule, noiseLevel, predictionFromX0, type ScoreModel } from "@dipp/scores";
import { brightnessReward } from "@dipp/rewards";
import { makeObjective, type ObjectiveInput } from "./make_objective.ts";

await init();

/** A score model whose denoised image is slope * x_t + the number in cond.ids. */
function affineModel(slope: number): ScoreModel {
  const schedule = new EDMSchedule();
  return {
    schedule,
    predict: (xt, t, { ids }) =>
      predictionFromX0(xt, xt.mul(slope).add(ids!.cast("f32").reshape([-1, 1, 1, 1])), noiseLevel(schedule, t)),
  };
}

Deno.test("the logged norms of a sum are those of its terms' own gradients, one sample at a time", async () => {
  const count = 3;
  const x0 = await randn(key(1), [count, 3, 2, 2]).realize();
  const ids = (value: number, rows = count) => ({ ids: tensor(new Int32Array(rows).fill(value), [rows, 1]) });
  const batch = {
    x0,
    t: tensor([0.1, 1, 10]),
    eps: randn(key(2), [...x0.shape]),
    cond: ids(1),
    nullCond: ids(0, 1),
    prompts: ids(1),
  };
  const models = { teacher: affineModel(0.5), fake: affineModel(0.2), reward: brightnessReward() };
  const common = { normalization: "none" } as const;
  const [guidance, alpha_rew] = [{ alpha: 2 }, 3];
  const whole = makeObjective({ ...common, guidance, alpha_rew }).generatorLoss(batch, models);
  const terms: Record<string, ObjectiveInput> = {
    ikl: common,
    cfg: { ...common, kl: false, guidance },
    reward: { ...common, kl: false, alpha_rew },
  };
  for (const [name, config] of Object.entries(terms)) {
    const [field] = grad(makeObjective(config).generatorLoss(batch, models).loss, [x0]);
    const norm = field.mul(count).square().flatten(1).sum(1).sqrt().mean();
    assertClose(await whole.diagnostics[`field_norm/${name}`].data(), await norm.data(), 1e-5, name);
  }
});
