import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { init, scalar, tensor } from "@dipp/tensor";
import { EDMSchedule, karrasSigmas, makeBetas, minSnrWeight, VPSchedule } from "../mod.ts";

await init();

Deno.test("timeOfRatio finds the indices of sigma 2.5 of SD 1.5 and PixArt", () => {
  assertEquals(new VPSchedule().timeOfRatio(2.5), 625);
  const pixart = new VPSchedule({ betaSchedule: "linear", betaStart: 1e-4, betaEnd: 0.02 });
  assertEquals(pixart.timeOfRatio(2.5), 440);
  assertEquals(new EDMSchedule().timeOfRatio(2.5), 2.5);
});

Deno.test("squaredcos betas follow the cosine and are capped", () => {
  const betas = makeBetas("squaredcos_cap_v2", 1000, 0, 0);
  assertEquals(betas[999], 0.999);
  // Up to the cap the product telescopes to the cosine itself.
  const alphaBar = betas.slice(0, 500).reduce((p, b) => p * (1 - b), 1);
  const f = (u: number) => Math.cos((u + 0.008) / 1.008 * Math.PI / 2) ** 2;
  assertAlmostEquals(alphaBar, f(0.5) / f(0), 1e-12);
});

Deno.test("min-SNR weights stay finite at zero and infinite SNR", async () => {
  const snr = tensor([0, 1e30]);
  assertEquals([...await minSnrWeight(snr, "eps").data()].map((w) => w < 1e-20 ? 0 : w), [1, 0]);
  assertEquals([...await minSnrWeight(snr, "x0").data()], [0, 5]);
});

Deno.test("schedules refuse what they cannot do", () => {
  assertThrows(() => new VPSchedule({ numTrainTimesteps: 0 }), RangeError, "got 0");
  assertThrows(() => new VPSchedule({ betaSchedule: "cosine" as "linear" }), TypeError, '"cosine"');
  assertThrows(() => new VPSchedule().alpha(scalar(3)), RangeError, "[B]");
  assertThrows(() => new EDMSchedule({ sigmaMin: 0 }), RangeError, "0 and 80");
  assertThrows(() => karrasSigmas(0, 1, 2), RangeError, "got 0");
});
