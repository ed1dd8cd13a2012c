import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { init, tensor } from "@dipp/tensor";
import { ddim, dpmSolverPlusPlus, EDMSchedule, type EpsFn, euler, heun, makeSampleFn, VPSchedule } from "../mod.ts";
import type { Sampler } from "./sampler.ts";
import { interpolate, roundHalfEven, timestepOfSigma } from "./timesteps.ts";

await init();

Deno.test("samplers of EDM's schedule converge to the exact solution, at their orders", async () => {
  // Data N(0, std^2): the probability flow scales x by sqrt(std^2 + sigma^2)
  const std = 0.5;
  const schedule = new EDMSchedule();
  const model: EpsFn = (x, sigma) => x.mul(sigma.div(sigma.square().add(std * std)).unsqueeze(1));
  const noise = tensor([[1, -0.5], [0.2, 1.1], [-1.3, 0.4]]);
  const scale = schedule.sigmaMax * std / Math.hypot(std, schedule.sigmaMax);
  const exact = [...await noise.data()].map((x) => x * scale);
  const error = async (sampler: Sampler) => {
    const drawn = await makeSampleFn(model, { sampler, compile: true })(noise).data();
    return Math.max(...drawn.map((x, i) => Math.abs(x - exact[i])));
  };
  const firstOrder = await error(euler(schedule, { steps: 30 }));
  for (const sampler of [dpmSolverPlusPlus, heun]) {
    const [coarse, fine] = [
      await error(sampler(schedule, { steps: 15 })),
      await error(sampler(schedule, { steps: 30 })),
    ];
    assert(fine < coarse / 2 && fine < firstOrder / 2, `${sampler.name}: ${coarse}, ${fine}, Euler ${firstOrder}`);
  }
});

Deno.test("timestep rules agree with NumPy's", () => {
  assertEquals([0.5, 1.5, 2.5, 166.5, 2.4, 2.6].map(roundHalfEven), [0, 2, 2, 166, 2, 3]);
  const table = Float64Array.from([1, 2, 4, 8]);
  assertEquals(interpolate(table, 1.5), 3);
  assertEquals(interpolate(table, 9), 8);
  assertAlmostEquals(timestepOfSigma(Math.SQRT2 * 2, table), 1.5, 1e-12);
  assertEquals(timestepOfSigma(0.1, table), 0);
  assertEquals(timestepOfSigma(100, table), 3);
});

Deno.test("DPM-Solver++ spacings agree with diffusers", () => {
  const schedule = new VPSchedule();
  const timesteps = (timestepSpacing: "leading" | "trailing") =>
    dpmSolverPlusPlus(schedule, { steps: 4, timestepSpacing, stepsOffset: 1 }).timesteps;
  assertEquals(timesteps("leading"), [801, 601, 401, 201]);
  assertEquals(timesteps("trailing"), [999, 749, 499, 249]);
});

Deno.test("samplers refuse impossible settings", () => {
  const schedule = new VPSchedule();
  assertThrows(() => ddim(schedule, { steps: 0 }), RangeError, "got 0");
  assertThrows(() => euler(schedule, { steps: 1001 }), RangeError, "got 1001");
  assertThrows(() => ddim(schedule, { steps: 5, timestepSpacing: "even" as "leading" }), TypeError, '"even"');
});
