import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { grad, init, key, randn, tensor } from "@dipp/tensor";
import { noiseLevel } from "@dipp/scores";
import { census, condition, mixtureTeacher, MODE_STD, MODES, SCHEDULE } from "./problem.ts";
import { DEFAULTS, study } from "./study.ts";
import { drawStudy } from "./svg.ts";

await init();

Deno.test("the teacher's score is the gradient of the noised mixture's log density, of one class and of both", async () => {
  const xt = await randn(key(1), [5, 2]).realize();
  const t = tensor([0.05, 0.2, 0.5, 1, 4]);
  const total = noiseLevel(SCHEDULE, t).sigma.square().add(MODE_STD ** 2);
  for (const id of [0, 1] as const) {
    const densities = MODES.filter((mode) => id === 0 || mode.isAskedFor).map(({ at }) =>
      xt.sub(tensor([...at])).square().sum(1).div(total.mul(-2)).exp()
    );
    const logDensity = densities.reduce((a, b) => a.add(b)).log();
    const [expected, actual] = await Promise.all([
      grad(logDensity.sum(), [xt])[0].data(),
      mixtureTeacher().predict(xt, t, condition(id, 5)).score.data(),
    ]);
    actual.forEach((s, i) => {
      if (Number.isFinite(expected[i])) assertAlmostEquals(s, expected[i], 1e-3 * Math.max(1, Math.abs(expected[i])));
    });
    assert(expected.filter(Number.isFinite).length >= 6);
  }
});

Deno.test("census counts samples at the modes, right and wrong, and how far they spread", () => {
  const [first, second] = MODES.filter(({ isAskedFor }) => isAskedFor).map(({ at }) => at);
  const wrong = MODES.find(({ isAskedFor }) => !isAskedFor)!.at;
  const shifted = [first[0] + MODE_STD, first[1] + MODE_STD];
  const counted = census(Float32Array.from([...shifted, ...second, ...wrong, 9, 9]));
  assertEquals(counted.modes, [0.25, 0.25, 0]);
  assertEquals(counted.wrong, 0.25);
  assertAlmostEquals(counted.spread, Math.sqrt(1 / 3), 1e-5);
  assertAlmostEquals(counted.reward, (shifted[0] + second[0] + wrong[0] + 1.4) / 4, 1e-6);
});

Deno.test("a short study moves samples from between the modes to the modes, and is drawn", async () => {
  const { before, after } = await study({ name: "ikl" }, { ...DEFAULTS, steps: 120, warmup: 60, fakeSteps: 2 });
  const found = (view: typeof before) => census(view.samples).modes.reduce((a, b) => a + b);
  assert(found(after) > found(before) + 0.3, `${found(before)} before, ${found(after)} after`);
  const svg = drawStudy("a title", before, after);
  assert(svg.includes("a title") && svg.length < 40_000 && !svg.includes("NaN"));
  assertEquals([...svg.matchAll(/<g /g)].length, 2);
});
