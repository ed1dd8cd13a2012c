import { assert } from "@std/assert";
import { grad, init, realize } from "@dipp/tensor";
import { fakeScoreLoss } from "./fake_score_loss.ts";
import {
  batchOf,
  evaluateCase,
  generate,
  goldenNames,
  goldenObjective,
  relativeError,
  reward,
  scoreModel,
} from "./golden.ts";
import { fakeScoreLossOfCase, objectiveOfCase } from "./golden_cases.ts";
import { makeObjective } from "./make_objective.ts";

await init();

for (const name of goldenNames()) {
  const golden = goldenObjective(name);
  const { info: { objective, tolerance, id }, outputs } = golden;
  Deno.test(`${objective.name}: value, field and gradients of ${name}`, async () => {
    const actual = evaluateCase(golden);
    await realize(...Object.values(actual));
    for (const [key, value] of Object.entries(actual)) {
      const expected = outputs.get(key);
      assert(expected, `${id} has no output ${key}`);
      const error = relativeError(await value.data(), expected);
      assert(error <= tolerance.rel[key], `${id} ${key}: error ${error}, tolerance ${tolerance.rel[key]}`);
    }
    const wanted = [...outputs.keys()].filter((key) => key.startsWith("grad.") || key === "loss" || key === "field_x0");
    assert(wanted.every((key) => key in actual), `${id}: not all of ${wanted} are computed`);
  });

  if (!outputs.has("field_ikl")) continue;
  Deno.test(`the logged norms of ${name} are those of its fields, one sample at a time`, async () => {
    const x0 = generate(golden), batch = x0.shape[0];
    const { diagnostics } = makeObjective(objectiveOfCase(objective)).generatorLoss(
      { x0, ...batchOf(golden) },
      { teacher: scoreModel(golden, "teacher"), fake: scoreModel(golden, "fake"), reward: reward(golden) },
    );
    for (const term of ["ikl", "cfg", "reward"]) {
      const field = outputs.get(`field_${term}`);
      if (!field || !diagnostics[`field_norm/${term}`]) continue;
      const size = field.length / batch;
      const norms = Array.from(
        { length: batch },
        (_, b) => batch * Math.hypot(...field.subarray(b * size, (b + 1) * size)),
      );
      const expected = norms.reduce((a, b) => a + b) / batch;
      const actual = await diagnostics[`field_norm/${term}`].item();
      assert(Math.abs(actual - expected) <= 1e-4 * expected, `norm of ${term}: ${actual}, expected ${expected}`);
    }
  });
}

Deno.test("fakeScoreLoss does not train the generator", async () => {
  const golden = goldenObjective("mlp_vp/fake_eps_mse");
  const x0 = generate(golden);
  const config = fakeScoreLossOfCase(golden.info.objective);
  const loss = fakeScoreLoss({ x0, ...batchOf(golden) }, scoreModel(golden, "fake"), config);
  assert((await grad(loss, [x0])[0].data()).every((v) => v === 0));
});
