import { assert, assertEquals, assertThrows } from "@std/assert";
import { init, key, tensor } from "@dipp/tensor";
import { fakeScoreLossSchema } from "./fake_score_loss.ts";
import { guidance, guidanceSchema } from "./guidance.ts";
import { makeObjective, OBJECTIVE_NAMES, type ObjectiveInput, objectiveSchema } from "./make_objective.ts";
import { type NoiseWeight, noiseWeight, noiseWeightSchema } from "./noise_weight.ts";
import { generatorStep } from "./two_time_scale.ts";
import { drawTimes, type TimeDistributionInput, timeDistributionSchema } from "./time_distribution.ts";

await init();

async function draws(input: TimeDistributionInput, n: number): Promise<Float32Array> {
  return await drawTimes(timeDistributionSchema.parse(input), key(5), n).data() as Float32Array;
}

Deno.test("drawTimes uniform covers every integer of its range, both ends included", async () => {
  const t = await draws({ name: "uniform", min: 3, max: 7 }, 4000);
  for (const value of [3, 4, 5, 6, 7]) {
    const share = t.filter((x) => x === value).length / t.length;
    assert(Math.abs(share - 0.2) < 0.03, `${value}: ${share}`);
  }
});

Deno.test("drawTimes log_normal has EDM's moments and keeps to its limits", async () => {
  const logs = (await draws({ name: "log_normal" }, 20000)).map(Math.log);
  const mean = logs.reduce((a, b) => a + b) / logs.length;
  const std = Math.sqrt(logs.reduce((s, x) => s + (x - mean) ** 2, 0) / logs.length);
  assert(Math.abs(mean + 1.2) < 0.03 && Math.abs(std - 1.2) < 0.03, `${mean} ${std}`);
  const limited = await draws({ name: "log_normal", min: 0.1, max: 0.5 }, 2000);
  assert(limited.every((x) => x >= Math.fround(0.1) && x <= 0.5));
});

Deno.test("drawTimes karras draws points of the grid, between its indices", async () => {
  const grid = (i: number) => (80 ** (1 / 7) + i / 9 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7;
  const t = await draws({ name: "karras", steps: 10, first: 1, last: 3 }, 500);
  const expected = [1, 2, 3].map(grid);
  assert(t.every((x) => expected.some((e) => Math.abs(x - e) < 1e-4 * e)), `${t.slice(0, 5)} ${expected}`);
  assert(expected.every((e) => t.some((x) => Math.abs(x - e) < 1e-4 * e)));
});

Deno.test("drawTimes discrete follows its probabilities", async () => {
  const t = await draws({ name: "discrete", values: [1, 10, 100], probabilities: [1, 0, 3] }, 8000);
  const share = (v: number) => t.filter((x) => x === v).length / t.length;
  assert(share(10) === 0 && Math.abs(share(1) - 0.25) < 0.02 && Math.abs(share(100) - 0.75) < 0.02);
  assert((await draws({ name: "discrete", values: [4] }, 8)).every((x) => x === 4));
});

Deno.test("noiseWeight computes what its table says", async () => {
  const [a, s] = [0.6, 0.8];
  const level = { alpha: tensor([a]), sigma: tensor([s]) };
  const expected: Record<NoiseWeight["name"], number> = {
    constant: 1,
    alpha: a,
    alpha2: a * a,
    sigma2: s * s,
    sigma2_over_alpha: s * s / a,
    sigma2_over_alpha2: (s / a) ** 2,
    sigma4_over_alpha2: s ** 4 / a ** 2,
    snr: (a / s) ** 2,
    edm: ((s / a) ** 2 + 0.25) / (s / a * 0.5) ** 2,
  };
  for (const [name, value] of Object.entries(expected)) {
    const w = noiseWeightSchema.parse({ name: name as NoiseWeight["name"], scale: 3 });
    const actual = await noiseWeight(w, level).item();
    assert(Math.abs(actual - 3 * value) < 1e-5 * value, `${name}: ${actual}, expected ${3 * value}`);
  }
});

Deno.test("guidance reads both conventions and refuses a contradiction", () => {
  assertEquals(guidanceSchema.parse({ alpha: 1.5 }), { alpha: 1.5, omega: 2.5 });
  assertEquals(guidanceSchema.parse({ omega: 2.5 }), { alpha: 1.5, omega: 2.5 });
  assertEquals(guidance({ alpha: 1, omega: 2 }), { alpha: 1, omega: 2 });
  assertThrows(() => guidance({ alpha: 1, omega: 1 }), RangeError, "disagree");
  assert(!guidanceSchema.safeParse({ omega: 0.5 }).success);
  assert(!guidanceSchema.safeParse({}).success);
});

Deno.test("configurations are completed, echo the effective numbers, and parse again to themselves", () => {
  const { config } = makeObjective({ alpha_rew: 10, guidance: { omega: 7.5 }, weight: "sigma2" });
  assertEquals(config.guidance, { alpha: 6.5, omega: 7.5 });
  assertEquals(config.weight, { name: "sigma2", scale: 1, sigma_data: 0.5 });
  assertEquals(config.time, { name: "log_normal", mean: -1.2, std: 1.2 });
  assertEquals(makeObjective(config).config, config);
  assertEquals(fakeScoreLossSchema.parse({}).weight.name, "edm");
});

Deno.test("configurations refuse unknown names, unknown keys and impossible values", () => {
  const refused = (config: unknown, path: string) => {
    const result = objectiveSchema.safeParse(config);
    assert(!result.success, JSON.stringify(config));
    const text = JSON.stringify(result.error.issues);
    assert(text.includes(path), `${path} is not in ${text}`);
  };
  refused({ alpha_reward: 1 }, "alpha_reward");
  refused({ alpha_rew: -1 }, "alpha_rew");
  refused({ weight: "sigma3" }, "weight");
  refused({ time: { name: "uniform", min: 5, max: 4 } }, "max");
  refused({ time: { name: "discrete", values: [1], probabilities: [1, 2] } }, "probabilities");
  refused({ kl: false }, "alpha_rew");
  refused({ name: "dippp" }, "name");
  refused({ name: "sim", alpha_rew: 1 }, "alpha_rew");
  refused({ name: "sim", distance: "l1" }, "distance");
  refused({ name: "refl", guidance: { omega: 2 } }, "guidance");
});

Deno.test("every objective is made by its name alone, echoes a complete configuration and says what it needs", () => {
  for (const name of OBJECTIVE_NAMES) {
    const { config, needs } = makeObjective({ name } as ObjectiveInput);
    assertEquals(config.name, name);
    assertEquals(makeObjective(config).config, config);
    assert(name === "refl" || name === "draft1" ? needs.join() === "reward" : needs.includes("teacher"), name);
    assertEquals(needs.includes("fake"), !["sds", "refl", "draft1"].includes(name), name);
  }
  assertEquals(makeObjective().config.name, "dipp");
});

Deno.test("SiD-LSG guides the fake score like the teacher unless told, in training too; VSD only where it looks", () => {
  const lsg = makeObjective({ name: "sid_lsg", guidance: { omega: 3 } });
  assertEquals([lsg.config.fake_guidance.omega, lsg.fakeTrainingOmega], [3, 3]);
  const own = makeObjective({ name: "sid_lsg", guidance: { omega: 3 }, fake_guidance: { omega: 1.5 } });
  assertEquals(own.fakeTrainingOmega, 1.5);
  assertEquals(makeObjective({ name: "vsd", fake_guidance: { omega: 4.5 } }).fakeTrainingOmega, 1);
});

Deno.test("generatorStep counts the generator's own steps after the warm-up, one in N", () => {
  const rule = { fakeUpdates: 1, generatorEvery: 3, warmupSteps: 2 };
  assertEquals([0, 1, 2, 3, 4, 5, 6, 8].map((step) => generatorStep(rule, step)), [
    null,
    null,
    0,
    null,
    null,
    1,
    null,
    2,
  ]);
});
