import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { init, softmax, type Tensor, tensor } from "@dipp/tensor";
import {
  ddim,
  dpmSolverPlusPlus,
  EDMSchedule,
  type EpsFn,
  epsModel,
  euler,
  heun,
  makeSampleFn,
  vModel,
  VPSchedule,
} from "../mod.ts";
import { interpolate, roundHalfEven, timestepOfSigma } from "./timesteps.ts";
import type { Sampler } from "./sampler.ts";
import { assertGolden, goldenCase, goldenIds, load } from "../testing/golden.ts";

await init();

type Mixture = { weights: number[]; means: number[][]; stds: number[] };

/**
 * The noise that the exact model of a Gaussian mixture predicts in `x` (`[B, 2]`)
 * where the signal has alpha² = `alphaBar` (`[B]`).
 */
function mixtureEps(mixture: Mixture, x: Tensor, alphaBar: Tensor): Tensor {
  const count = mixture.weights.length;
  const ab = alphaBar.reshape([-1, 1]);
  const means = tensor(mixture.means).reshape([1, count, 2]).mul(ab.sqrt().unsqueeze(2));
  const variance = ab.mul(tensor(mixture.stds).square().unsqueeze(0)).add(ab.neg().add(1));
  const toMean = means.sub(x.unsqueeze(1)); // [B, K, 2]
  const logWeight = tensor(mixture.weights).log().unsqueeze(0)
    .sub(variance.log()).sub(toMean.square().sum(2).div(variance.mul(2)));
  const share = softmax(logWeight, 1).div(variance); // [B, K]
  const score = toMean.mul(share.unsqueeze(2)).sum(1);
  return score.mul(ab.neg().add(1).sqrt()).neg();
}

/** The sampler of a case, from diffusers' scheduler config. */
function samplerOf(
  schedule: VPSchedule,
  // deno-lint-ignore no-explicit-any -- diffusers' configuration, as stored
  { scheduler, scheduler_config: c, num_inference_steps: steps }: any,
): Sampler {
  const common = {
    steps,
    timestepSpacing: c.timestep_spacing,
    stepsOffset: c.steps_offset,
    useKarrasSigmas: c.use_karras_sigmas,
  };
  if (scheduler === "DDIMScheduler") return ddim(schedule, { ...common, setAlphaToOne: c.set_alpha_to_one });
  if (scheduler === "EulerDiscreteScheduler") return euler(schedule, common);
  return dpmSolverPlusPlus(schedule, common);
}

for (const id of goldenIds("schedules", /^sampler_(ddim|dpmpp|euler)/)) {
  for (const compile of [false, true]) {
    Deno.test(`${compile ? "compiled " : ""}trajectory agrees with ${id}`, async () => {
      const golden = goldenCase(id);
      const c = golden.info.config.scheduler_config;
      const schedule = new VPSchedule({
        betaSchedule: c.beta_schedule,
        betaStart: c.beta_start,
        betaEnd: c.beta_end,
      });
      const sampler = samplerOf(schedule, golden.info.config);
      const eps: EpsFn = (x, t) => mixtureEps(golden.info.mixture, x, schedule.alpha(t).square());
      const v: EpsFn = (x, t) => {
        const [alpha, sigma] = [schedule.alpha(t).unsqueeze(1), schedule.sigma(t).unsqueeze(1)];
        return eps(x, t).sub(x.mul(sigma)).div(alpha);
      };
      const model = c.prediction_type === "v_prediction" ? vModel(v, schedule) : epsModel(eps, schedule);
      const noise = load(golden.inputs.get("noise")!);
      const xs = [noise.mul(sampler.initNoiseSigma)];
      const draw = makeSampleFn(model, { sampler, compile, onStep: (_, x) => xs.push(x) });
      const final = draw(noise);
      const trajectory = await flat(xs);
      await assertGolden(golden, {
        timesteps: sampler.timesteps,
        init_noise_sigma: [sampler.initNoiseSigma],
        trajectory,
        final,
      });
    });
  }
}

for (const compile of [false, true]) {
  Deno.test(`${compile ? "compiled " : ""}EDM trajectories agree with the reference`, async () => {
    const golden = goldenCase("schedules/sampler_edm_heun");
    const c = golden.info.config;
    const schedule = new EDMSchedule({ sigmaMin: c.sigma_min, sigmaMax: c.sigma_max, rho: c.rho });
    const model: EpsFn = (x, sigma) => {
      const total = sigma.square().add(1);
      return mixtureEps(golden.info.mixture, x.mul(total.rsqrt().unsqueeze(1)), total.reciprocal());
    };
    const noise = load(golden.inputs.get("noise")!);
    const run = async (sampler: Sampler) => {
      const xs = [noise.mul(sampler.initNoiseSigma)];
      makeSampleFn(model, { sampler, compile, onStep: (_, x) => xs.push(x) })(noise);
      return await flat(xs);
    };
    const steps = c.num_steps;
    await assertGolden(golden, {
      sigmas: [...heun(schedule, { steps }).timesteps, 0],
      trajectory_heun: await run(heun(schedule, { steps })),
      trajectory_euler: await run(euler(schedule, { steps })),
    });
  });
}

Deno.test("DPM-Solver++ on EDM's schedule converges to Heun's fine solution", async () => {
  const { mixture } = goldenCase("schedules/sampler_edm_heun").info;
  const schedule = new EDMSchedule();
  const model: EpsFn = (x, sigma) => {
    const total = sigma.square().add(1);
    return mixtureEps(mixture, x.mul(total.rsqrt().unsqueeze(1)), total.reciprocal());
  };
  const noise = tensor([[1, -0.5], [0.2, 1.1], [-1.3, 0.4]]);
  const draw = (sampler: Sampler) => makeSampleFn(model, { sampler, compile: true })(noise).data();
  const exact = await draw(heun(schedule, { steps: 60 }));
  const error = async (sampler: Sampler) => Math.max(...(await draw(sampler)).map((x, i) => Math.abs(x - exact[i])));
  const coarse = await error(dpmSolverPlusPlus(schedule, { steps: 15 }));
  const fine = await error(dpmSolverPlusPlus(schedule, { steps: 30 }));
  const firstOrder = await error(euler(schedule, { steps: 30 }));
  assertEquals([fine < coarse / 2, fine < firstOrder / 2], [true, true]);
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

/** The values of several tensors, one after another. */
async function flat(xs: Tensor[]): Promise<number[]> {
  const all = await Promise.all(xs.map((x) => x.data()));
  return all.flatMap((values) => [...values]);
}
