import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { full, init, type Tensor, tensor } from "@dipp/tensor";
import {
  addNoise,
  edmModel,
  edmPreconditioning,
  EDMSchedule,
  epsModel,
  noiseLevel,
  type ScoreModel,
  velocity,
  vModel,
  VPSchedule,
  x0Model,
} from "../mod.ts";
import { perSample } from "../broadcast.ts";

await init();

const x0 = tensor([0.3, -0.8, 1.2, 0.1, -0.4, 0.9, 0.7, -1.1], [2, 1, 2, 2]);
const eps = tensor([-1.3, 0.2, 0.5, 1.9, 0.3, -0.6, -0.1, 0.8], [2, 1, 2, 2]);

/** Feeds a perfect network its own target and expects x0, eps and score back. */
async function expectExact(model: ScoreModel, t: Tensor): Promise<void> {
  const level = noiseLevel(model.schedule, t);
  const p = model.predict(addNoise(x0, eps, level), t, {});
  const expected = { x0, eps, score: eps.neg().div(perSample(level.sigma, eps)) };
  for (const view of ["x0", "eps", "score"] as const) {
    const [got, wanted] = [await p[view].data(), await expected[view].data()];
    wanted.forEach((value, i) => assertAlmostEquals(got[i], value, 2e-5 * Math.max(1, Math.abs(value))));
  }
}

const vp = new VPSchedule();
const timesteps = tensor([250, 640]);

Deno.test("eps, v and x0 models recover x0, eps and score from a perfect network", async () => {
  await expectExact(epsModel(() => eps, vp), timesteps);
  await expectExact(vModel((_x, t) => velocity(x0, eps, noiseLevel(vp, t)), vp), timesteps);
  await expectExact(x0Model(() => x0, vp), timesteps);
});

Deno.test("the EDM model inverts its preconditioning and feeds cIn x and cNoise", async () => {
  const sigma = tensor([0.4, 2.5]);
  const c = edmPreconditioning(sigma, 0.7);
  const x = addNoise(x0, eps, noiseLevel(new EDMSchedule(), sigma));
  const target = x0.sub(x.mul(perSample(c.cSkip, x))).div(perSample(c.cOut, x));
  let fed: Tensor[] = [];
  const model = edmModel((input, time) => {
    fed = [input, time];
    return target;
  }, { sigmaData: 0.7 });
  await expectExact(model, sigma);
  const [input, time] = await Promise.all(fed.map((v) => v.data()));
  assertAlmostEquals(input[0], (0.3 - 0.4 * 1.3) / Math.hypot(0.4, 0.7), 1e-6);
  assertAlmostEquals(time[1], Math.log(2.5) / 4, 1e-6);
});

Deno.test("a learned variance is left out", async () => {
  const both = (v: Tensor) => v.pad([[0, 0], [0, 1], [0, 0], [0, 0]], 99);
  await expectExact(epsModel(() => both(eps), vp), timesteps);
  const three = epsModel(() => eps.expand([2, 1, 2, 2]).pad([[0, 0], [0, 2], [0, 0], [0, 0]]), vp);
  assertThrows(() => three.predict(x0, timesteps, {}), RangeError, "must return 1 or 2");
});

Deno.test("a v-prediction needs a VP schedule", () => {
  assertThrows(() => vModel((x) => x, new EDMSchedule()), TypeError, '"ve"');
});

Deno.test("views that are not asked for add nothing to a plan", async () => {
  // At sigma 0 eps and score are 0/0; x0 alone is well defined.
  const model = edmModel((x) => x.mul(0), { sigmaData: 1 });
  const { x0: clean } = model.predict(x0, full([2], 1e-30), {});
  assertEquals((await clean.data()).every(Number.isFinite), true);
});
