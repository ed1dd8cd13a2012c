// What the objectives descend, against finite differences of closed forms: one-dimensional Gaussians, one noise level,
// expectations by quadrature in float64.

import { assert } from "@std/assert";
import { grad, init, tensor, where } from "@dipp/tensor";
import { noiseLevel, type NoiseSchedule, predictionFromEps, type ScoreModel } from "@dipp/scores";
import { linearReward } from "@dipp/rewards";
import { makeObjective, type ObjectiveInput } from "./make_objective.ts";

await init();

const ALPHA = 0.8, SIGMA = 0.6;
const GENERATOR = { mean: 0.3, scale: 1.4 };
const REFERENCE = { mean: -0.5, variance: 0.7 }, UNCONDITIONAL = { mean: 0.2, variance: 1.9 };
const SLOPE = 0.9;

interface Gaussian {
  mean: number;
  variance: number;
}
const noised = ({ mean, variance }: Gaussian): Gaussian => ({
  mean: ALPHA * mean,
  variance: ALPHA ** 2 * variance + SIGMA ** 2,
});
const ofGenerator = (p: typeof GENERATOR): Gaussian => noised({ mean: p.mean, variance: p.scale ** 2 });
const [ref, uncond] = [noised(REFERENCE), noised(UNCONDITIONAL)];
const logDensity = ({ mean, variance }: Gaussian, x: number) =>
  -((x - mean) ** 2) / (2 * variance) - Math.log(2 * Math.PI * variance) / 2;
const score = ({ mean, variance }: Gaussian, x: number) => (mean - x) / variance;
const guidedScore = (x: number, a: number) => score(ref, x) + a * (score(ref, x) - score(uncond, x));

/** The trapezoidal rule on a standard normal, `perUnit` nodes a unit: it converges faster than any power of them. */
const trapezoid = (perUnit: number) =>
  Array.from({ length: 14 * perUnit + 1 }, (_, i) => i / perUnit - 7)
    .map((z) => ({ z, mass: Math.exp(-z * z / 2) / perUnit / Math.sqrt(2 * Math.PI) }));
const NODES = trapezoid(4), FINE = trapezoid(20);
const mean = (f: (z: number) => number) => FINE.reduce((sum, { z, mass }) => sum + mass * f(z), 0);
const under = (g: Gaussian, f: (x: number) => number) => mean((z) => f(g.mean + Math.sqrt(g.variance) * z));

const schedule: NoiseSchedule = {
  kind: "vp",
  alpha: (t) => t.mul(0).add(ALPHA),
  sigma: (t) => t.mul(0).add(SIGMA),
  snr: (t) => t.mul(0).add((ALPHA / SIGMA) ** 2),
  timeOfRatio: () => 0,
};

function model(cond: Gaussian, none: Gaussian = cond): ScoreModel {
  return {
    schedule,
    predict(xt, t, { ids }) {
      const pick = (a: number, b: number) => where(ids!.eq(1), xt.mul(0).add(a), xt.mul(0).add(b));
      const eps = xt.sub(pick(cond.mean, none.mean)).div(pick(cond.variance, none.variance)).mul(SIGMA);
      return predictionFromEps(xt, eps, noiseLevel(schedule, t));
    },
  };
}

/** Loss and field on x0 of each pair of z and eps. */
function evaluate(config: ObjectiveInput, pairs: readonly (readonly [number, number])[]) {
  const column = (values: number[]) => tensor(values, [values.length, 1]);
  const ids = (id: number, rows: number) => tensor(new Int32Array(rows).fill(id), [rows, 1]);
  const x0 = column(pairs.map(([z]) => GENERATOR.mean + GENERATOR.scale * z));
  const batch = {
    x0,
    eps: column(pairs.map(([, e]) => e)),
    t: tensor(pairs.map(() => 1)),
    cond: { ids: ids(1, pairs.length) },
    nullCond: { ids: ids(0, 1) },
    prompts: { ids: ids(1, pairs.length) },
  };
  const { loss } = makeObjective(config).generatorLoss(batch, {
    teacher: model(ref, uncond),
    fake: model(ofGenerator(GENERATOR), uncond),
    reward: linearReward(tensor([SLOPE])),
  });
  return { loss, field: grad(loss, [x0])[0].mul(pairs.length) };
}

const finite = (f: (x: number) => number, x: number, h = 1e-4) => (f(x + h) - f(x - h)) / (2 * h);

function assertClose(actual: number, expected: number, bound: number, what: string): void {
  const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
  assert(error <= bound, `${what}: ${actual}, expected ${expected}`);
}

const kl = (p: typeof GENERATOR) => {
  const g = ofGenerator(p);
  return under(g, (x) => logDensity(g, x) - logDensity(ref, x));
};
const cfg = (p: typeof GENERATOR) => -under(ofGenerator(p), (x) => logDensity(ref, x) - logDensity(uncond, x));
const reward = (p: typeof GENERATOR) => -SLOPE * p.mean;
/** Samples held where the generator draws now: only the scores move. */
const distance = (d: (y: number) => number, a = 0) => (p: typeof GENERATOR) =>
  under(ofGenerator(GENERATOR), (x) => d(score(ofGenerator(p), x) - guidedScore(x, a)));
const huber = (y: number) => Math.sqrt(y * y + 0.3 ** 2) - 0.3;
const plain = { normalization: "none", weight: "constant" } as const;
const pseudoHuber = { weight: "constant", distance: "pseudo_huber", c: 0.3 } as const;
const inNoise = SIGMA / ALPHA;

const DESCENDS: [what: string, config: ObjectiveInput, functional: (p: typeof GENERATOR) => number][] = [
  ["Diff-Instruct: the KL divergence", { name: "ikl", ...plain }, kl],
  ["Diff-Instruct guided by omega = 1 + 1.5: the KL divergence and 1.5 of the implicit reward", {
    name: "ikl",
    guidance: { omega: 2.5 },
    ...plain,
  }, (p) => kl(p) + 1.5 * cfg(p)],
  [
    "DI++: the KL divergence and both rewards",
    { name: "dipp", alpha_rew: 2, guidance: { alpha: 0.7 }, ...plain },
    (p) => kl(p) + 0.7 * cfg(p) + 2 * reward(p),
  ],
  ["VSD: the KL divergence, sigma / alpha of it", { name: "vsd", weight: "constant" }, (p) => inNoise * kl(p)],
  [
    "SDS: the expected energy, without an entropy",
    { name: "sds", weight: "constant" },
    (p) => -inNoise * under(ofGenerator(p), (x) => logDensity(ref, x)),
  ],
  [
    "SIM with l2: the squared distance of the scores",
    { name: "sim", weight: "constant", distance: "l2" },
    distance(
      (y) => y * y,
    ),
  ],
  ["SIM with pseudo-Huber: that distance of the scores", { name: "sim", ...pseudoHuber }, distance(huber)],
  [
    "DI* inside: the distance to the guided score and the reward",
    { name: "distar", ...pseudoHuber, alpha_rew: 2, guidance: { alpha: 0.7 } },
    (p) => distance(huber, 0.7)(p) + 2 * reward(p),
  ],
  [
    "DI* outside: the distance to the score and both rewards",
    { name: "distar", ...pseudoHuber, alpha_rew: 2, guidance: { alpha: 0.7 }, cfg: "outside" },
    (p) => distance(huber)(p) + 0.7 * cfg(p) + 2 * reward(p),
  ],
  ["DRaFT-1: the reward", { name: "draft1", alpha_rew: 2 }, (p) => 2 * reward(p)],
];

for (const [what, config, functional] of DESCENDS) {
  Deno.test(`the expected field is the finite difference of what ${what}`, async () => {
    const pairs = NODES.flatMap(({ z }) => NODES.map(({ z: e }) => [z, e] as const));
    const field = await evaluate(config, pairs).field.data();
    const perNode = NODES.map((_, i) =>
      NODES.reduce((sum, { mass }, j) => sum + mass * field[i * NODES.length + j], 0)
    );
    const sum = (onTheta: (z: number) => number) =>
      NODES.reduce((total, { z, mass }, i) => total + mass * onTheta(z) * perNode[i], 0);
    const onMean = finite((m) => functional({ ...GENERATOR, mean: m }), GENERATOR.mean);
    const onScale = finite((s) => functional({ ...GENERATOR, scale: s }), GENERATOR.scale);
    assertClose(sum(() => 1), onMean, 1e-5, "on the mean");
    assertClose(sum((z) => z), onScale, 1e-5, "on the scale");
    assert(Math.hypot(onMean, onScale) > 0.1);
  });
}

/** One sample's loss in float64, with what is cut held at `frozen`; x0 itself is `at`. */
interface OneSample {
  x0: number;
  eps: number;
  /** mean |x0 - x0_ref| where it is cut. */
  normaliser: number;
  /** The fields that are cut. */
  field: number;
}
const denoised = (x0: number, eps: number, s: (x: number) => number) => {
  const xt = ALPHA * x0 + SIGMA * eps;
  return (xt + SIGMA ** 2 * s(xt)) / ALPHA;
};
const fakeScore = (x: number, a = 0) => {
  const s = score(ofGenerator(GENERATOR), x);
  return s + a * (s - score(uncond, x));
};
const teacherImage = (x0: number, eps: number, a: number) => denoised(x0, eps, (x) => guidedScore(x, a));
const gapOf = (x0: number, eps: number, a: number) => denoised(x0, eps, fakeScore) - teacherImage(x0, eps, a);
const siD = (a: number, fakeAlpha: number, alpha: number) => ({ x0, eps, normaliser }: OneSample) => {
  const r = teacherImage(x0, eps, a), f = denoised(x0, eps, (x) => fakeScore(x, fakeAlpha));
  return (r - f) * ((r - x0) - alpha * (r - f)) / normaliser;
};

const LOSSES: [config: ObjectiveInput, guidance: number, loss: (s: OneSample) => number][] = [
  [{ name: "sid", alpha: 1.2, guidance: { alpha: 0.7 } }, 0.7, siD(0.7, 0, 1.2)],
  [{ name: "sid_lsg", guidance: { alpha: 0.7 }, fake_guidance: { alpha: 0.4 } }, 0.7, siD(0.7, 0.4, 1)],
  [{ name: "dmd", guidance: { alpha: 0.7 } }, 0.7, ({ x0, field }) => ALPHA * field * x0],
  [{ name: "dmd2" }, 0, ({ x0, field }) => field * x0],
  [{ name: "refl", margin: 0.5, alpha_rew: 3 }, 0, ({ x0 }) => 3 * Math.max(0, 0.5 - SLOPE * x0)],
];

for (const [config, guidance, loss] of LOSSES) {
  Deno.test(`the field of ${config.name} is the finite difference of its loss, with what is cut held still`, async () => {
    const pairs = [[-1.2, 0.4], [-0.3, -1.1], [0.2, 0.9], [0.7, 0.1]] as const;
    const field = await evaluate(config, pairs).field.data();
    pairs.forEach(([z, eps], i) => {
      const x0 = GENERATOR.mean + GENERATOR.scale * z;
      const normaliser = Math.abs(x0 - teacherImage(x0, eps, guidance));
      const cut = { eps, normaliser, field: gapOf(x0, eps, guidance) / normaliser };
      assertClose(field[i], finite((x) => loss({ ...cut, x0: x }), x0), 1e-5, `sample ${i}`);
    });
  });
}

Deno.test("SIM with the squared distance equals SiD at alpha 1", async () => {
  const pairs = [[-1.2, 0.4], [-0.3, -1.1], [0.2, 0.9], [1.7, 0.1]] as const;
  const weight = { name: "sigma4_over_alpha2", scale: 0.5 } as const;
  for (const guidance of [{ alpha: 0 }, { alpha: 1.3 }]) {
    const sim = await evaluate({ name: "sim", distance: "l2", weight, guidance }, pairs).field.data();
    const sid = await evaluate({ name: "sid", alpha: 1, guidance }, pairs).field.data();
    pairs.forEach(([z, eps], i) => {
      const x0 = GENERATOR.mean + GENERATOR.scale * z;
      const normaliser = Math.abs(x0 - teacherImage(x0, eps, guidance.alpha));
      assertClose(sid[i] * normaliser, sim[i], 2e-5, `sample ${i} at alpha ${guidance.alpha}`);
    });
  }
});

Deno.test("a guided teacher is the implicit reward: omega = 1 + alpha in every objective", async () => {
  const pairs = [[-1.2, 0.4], [0.2, 0.9]] as const;
  for (const name of ["ikl", "dipp", "sds", "vsd", "dmd", "dmd2", "sid", "sid_lsg", "sim", "distar"] as const) {
    const field = (guidance: { alpha: number } | { omega: number }): Promise<ArrayLike<number>> =>
      evaluate({ name, guidance } as ObjectiveInput, pairs).field.data();
    const [byAlpha, byOmega, none] = [
      await field({ alpha: 1.5 }),
      await field({ omega: 2.5 }),
      await field({ alpha: 0 }),
    ];
    for (let i = 0; i < pairs.length; i++) {
      assertClose(byAlpha[i], byOmega[i], 0, name);
      assert(Math.abs(byAlpha[i] - none[i]) > 1e-3, `${name} does not see the guidance`);
    }
  }
});
