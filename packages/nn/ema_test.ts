import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { compile, init, scalar, type Tensor, tensor } from "@dipp/tensor";
import { type Ema, ema, emaUpdate } from "./ema.ts";
import { emaDecay, emaRate, type EmaRule } from "./ema_rule.ts";
import { assertGolden, goldenCase, goldenNames } from "./golden.ts";
import { assignTree, realizeParams } from "./params.ts";

interface Config {
  ema: {
    decay: number;
    update_after_step?: number;
    min_decay?: number;
    use_ema_warmup: boolean;
    inv_gamma?: number;
    power?: number;
  };
  half_life: {
    batch: number;
    half_life_images: number;
    rampup_ratio: number | null;
  };
}

function rulesOf({ ema: e, half_life: h }: Config): [EmaRule, EmaRule] {
  const given = {
    decay: e.decay,
    updateAfterStep: e.update_after_step,
    minDecay: e.min_decay,
    useEmaWarmup: e.use_ema_warmup,
    invGamma: e.inv_gamma,
    power: e.power,
  };
  const known = Object.entries(given).filter(([, v]) => v !== undefined);
  return [{ name: "diffusers", ...Object.fromEntries(known) }, {
    name: "half_life",
    batch: h.batch,
    halfLifeImages: h.half_life_images,
    ...(h.rampup_ratio === null ? {} : { rampupRatio: h.rampup_ratio }),
  }];
}

/** Averages the rows of weights [15, 6] in a compiled step. */
async function averages(
  average: Ema,
  weights: Float32Array,
): Promise<number[]> {
  const row = (k: number) => tensor(weights.slice(6 * k, 6 * k + 6));
  const state = await realizeParams(average.init({ w: row(0) }));
  const step = compile(({ w }: { w: Tensor }) => {
    const next = average.update(state, { w });
    assignTree(state, next);
    return next.shadow.w;
  });
  const shadows = Array.from({ length: 15 }, (_, k) => step({ w: row(k) }));
  const values = await Promise.all(shadows.map((s) => (s as Tensor).data()));
  return values.flatMap((v) => [...v]);
}

for (const name of goldenNames("optim", /^ema_/)) {
  Deno.test(`ema() matches diffusers and EDM: ${name}`, async () => {
    await init();
    const golden = goldenCase<Config>("optim", name);
    const [diffusers, halfLife] = rulesOf(golden.config);
    const weights = golden.inputs.get("weights")!.toFloat32();
    const decays = (rule: EmaRule) => Array.from({ length: 15 }, (_, k) => emaDecay(rule, k + 1));
    assertGolden(
      golden,
      new Map([
        ["diffusers_decays", decays(diffusers)],
        ["diffusers_shadow", await averages(ema(diffusers), weights)],
        ["half_life_betas", decays(halfLife)],
        ["half_life_shadow", await averages(ema(halfLife), weights)],
      ]),
    );
  });
}

Deno.test("rates on the device are those of the host, also after many steps", async () => {
  await init();
  const rules: EmaRule[] = [
    { name: "constant", decay: 0.999 },
    { name: "diffusers" },
    { name: "diffusers", decay: 0.99995, useEmaWarmup: true, power: 0.75 },
    { name: "diffusers", updateAfterStep: 100, minDecay: 0.5 },
    { name: "half_life", batch: 32, halfLifeImages: 5e5, rampupRatio: 0.05 },
    { name: "half_life", batch: 32, halfLifeImages: 5e5 },
  ];
  for (const rule of rules) {
    for (const step of [1, 2, 3, 100, 101, 102, 103, 5000, 1_000_000]) {
      const rate = emaRate(rule)(scalar(step, "i32"));
      const actual = typeof rate === "number" ? rate : await rate.item();
      const expected = 1 - emaDecay(rule, step);
      assertAlmostEquals(actual, expected, 3e-6 * expected);
    }
  }
});

Deno.test("the average does not share the parameters' memory", async () => {
  await init();
  const params = await realizeParams({ w: tensor([1, 2]) });
  const state = await realizeParams(ema().init(params));
  assignTree(params, { w: tensor([3, 4]) });
  await realizeParams(params);
  assertEquals(await params.w.data(), new Float32Array([3, 4]));
  assertEquals(await state.shadow.w.data(), new Float32Array([1, 2]));
});

Deno.test("emaUpdate() takes its decay as a tensor too", async () => {
  await init();
  const of = (decay: Tensor | number) => emaUpdate({ w: tensor([4]) }, { w: tensor([8]) }, decay).w.item();
  assertEquals(await of(0.25), 7);
  assertEquals(await of(scalar(0.25)), 7);
  assertEquals(await of(tensor([0.25])), 7);
});

Deno.test("ema() refuses bad settings", () => {
  const cases: [EmaRule, string][] = [
    [{ name: "constant", decay: 1.5 }, "decay of the average is 1.5"],
    [{ name: "diffusers", minDecay: 2 }, "minDecay of the average is 2"],
    [{ name: "diffusers", power: 0 }, "power of the average is 0"],
    [{ name: "half_life", batch: 0, halfLifeImages: 1 }, "batch of the"],
  ];
  for (const [rule, message] of cases) {
    assertThrows(() => ema(rule), RangeError, message);
  }
});
