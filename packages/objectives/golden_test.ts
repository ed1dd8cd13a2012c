import { assert } from "@std/assert";
import { grad, init, realize, type Tensor } from "@dipp/tensor";
import { DiffInstructPP } from "./diff_instruct_pp.ts";
import { fakeScoreLoss, fakeScoreLossSchema } from "./fake_score_loss.ts";
import { generate, type Golden, goldenNames, goldenObjective, relativeError, reward, scoreModel } from "./golden.ts";
import { type NoiseWeight, noiseWeightSchema } from "./noise_weight.ts";

await init();

const WEIGHTS: Record<string, NoiseWeight["name"]> = {
  one: "constant",
  sigma2: "sigma2",
  sigma2_over_alpha2: "sigma2_over_alpha2",
  alpha2_over_sigma2: "snr",
};

/** Compares what was computed with the case's outputs; prints nothing unless something is off. */
async function compare(golden: Golden, actual: Record<string, Tensor>): Promise<number> {
  await realize(...Object.values(actual));
  let worst = 0;
  for (const [name, value] of Object.entries(actual)) {
    const expected = golden.outputs.get(name);
    assert(expected, `${golden.info.id} has no output ${name}`);
    const error = relativeError(await value.data(), expected);
    const tolerance = golden.info.tolerance.rel[name];
    assert(error <= tolerance, `${golden.info.id} ${name}: error ${error}, tolerance ${tolerance}`);
    worst = Math.max(worst, error);
  }
  if (Deno.env.get("DIPP_REPORT")) console.log(`${golden.info.id}: worst error ${worst.toExponential(1)}`);
  return worst;
}

/** The gradients that the case stores for the weights PREFIX.*. */
function weightGradients(golden: Golden, prefix: string, loss: Tensor): Record<string, Tensor> {
  const names = Object.keys(golden.weights).filter((n) => n.startsWith(`${prefix}.`));
  const grads = grad(loss, names.map((n) => golden.weights[n]));
  return Object.fromEntries(names.map((n, i) => [`grad.${n}`, grads[i]]));
}

function batchOf(golden: Golden) {
  const { class_id: ids, timestep, noise: eps } = golden.inputs;
  const nullIds = ids.mul(0).add(golden.info.config.null_class);
  return {
    t: timestep.cast("f32"),
    eps,
    cond: { ids },
    nullCond: { ids: nullIds },
    prompts: { ids: ids.unsqueeze(1) },
  };
}

for (const name of goldenNames(/^(di_pp|diff_instruct|reward_only)/)) {
  Deno.test(`DiffInstructPP: value, field and gradients of ${name}`, async () => {
    const golden = goldenObjective(name);
    const { objective } = golden.info;
    const alpha = Number(objective.alpha_cfg ?? 0);
    const di = new DiffInstructPP({
      alpha_rew: Number(objective.alpha_rew ?? 0),
      guidance: { alpha },
      kl: objective.name !== "reward_only",
      weight: WEIGHTS[objective.w ?? "one"],
      normalization: "none",
    });
    const x0 = generate(golden);
    const { loss, diagnostics } = di.generatorLoss(
      { x0, ...batchOf(golden) },
      { teacher: scoreModel(golden, "teacher"), fake: scoreModel(golden, "fake"), reward: reward(golden) },
    );
    await compare(golden, {
      loss,
      field_x0: grad(loss, [x0])[0],
      ...(objective.name === "di_pp" ? { loss_reward: diagnostics["loss/reward"] } : {}),
      ...(objective.name !== "reward_only" ? { loss_ikl: diagnostics["loss/ikl"] } : {}),
      ...(alpha > 0 ? { loss_cfg: diagnostics["loss/cfg"] } : {}),
      ...weightGradients(golden, "generator", loss),
    });
    // the logged norms are those of the stored fields, one sample at a time
    const batch = x0.shape[0];
    for (const term of ["ikl", "cfg", "reward"]) {
      const field = golden.outputs.get(`field_${term}`);
      if (!field || !diagnostics[`field_norm/${term}`]) continue;
      const size = field.length / batch;
      const norms = Array.from(
        { length: batch },
        (_, b) => batch * Math.hypot(...field.subarray(b * size, (b + 1) * size)),
      );
      const expected = norms.reduce((a, b) => a + b) / batch;
      const actual = await diagnostics[`field_norm/${term}`].item();
      assert(
        Math.abs(actual - expected) <= 1e-4 * expected,
        `${name} norm of ${term}: ${actual}, expected ${expected}`,
      );
    }
  });
}

for (const name of goldenNames(/^dmd2/)) {
  Deno.test(`DiffInstructPP with DMD normalisation and mean reduction: field and gradients of ${name}`, async () => {
    const golden = goldenObjective(name);
    const di = new DiffInstructPP({
      guidance: { alpha: Number(golden.info.objective.alpha_cfg ?? 0) },
      weight: "sigma2_over_alpha2",
      normalization: "dmd",
      reduction: "mean",
    });
    const x0 = generate(golden);
    const { loss } = di.generatorLoss(
      { x0, ...batchOf(golden) },
      { teacher: scoreModel(golden, "teacher"), fake: scoreModel(golden, "fake") },
    );
    await compare(golden, { field_x0: grad(loss, [x0])[0], ...weightGradients(golden, "generator", loss) });
  });
}

for (const name of goldenNames(/^fake_/)) {
  Deno.test(`fakeScoreLoss: value and gradients of ${name}`, async () => {
    const golden = goldenObjective(name);
    const { objective } = golden.info;
    const config = fakeScoreLossSchema.parse({
      target: String(objective.name).split("_")[1] as "eps" | "x0" | "score",
      weight: noiseWeightSchema.parse(WEIGHTS[objective.w ?? "one"]),
      reduction: objective.name === "fake_eps_mse" ? "mean" : "sum",
    });
    const x0 = generate(golden);
    const loss = fakeScoreLoss({ x0, ...batchOf(golden) }, scoreModel(golden, "fake"), config);
    await compare(golden, { loss, ...weightGradients(golden, "fake", loss) });
    // the generator is not trained by it
    const [onX0] = grad(loss, [x0]);
    assert((await onX0.data()).every((v) => v === 0));
  });
}
