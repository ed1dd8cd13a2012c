import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { init, scalar, type Tensor, tensor } from "@dipp/tensor";
import { ema, emaUpdate } from "./ema.ts";
import { emaDecay, emaRate, type EmaRule } from "./ema_rule.ts";
import { assignTree, realizeParams } from "./params.ts";

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
