import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { init, scalar, tensor } from "@dipp/tensor";
import {
  addNoise,
  edmLossWeight,
  edmPreconditioning,
  EDMSchedule,
  epsFromV,
  epsFromX0,
  karrasSigmas,
  logNormalSigmas,
  makeBetas,
  minSnrWeight,
  noiseLevel,
  scoreFromEps,
  velocity,
  vFromX0,
  VPSchedule,
  x0FromEps,
  x0FromV,
} from "../mod.ts";
import { guided } from "../guidance.ts";
import { assertGolden, goldenCase, goldenIds, load } from "../testing/golden.ts";

await init();

/** The schedule that a case's config describes. */
function scheduleOf(config: Record<string, unknown>): VPSchedule {
  return new VPSchedule({
    numTrainTimesteps: config.num_train_timesteps as number,
    betaSchedule: config.beta_schedule as "linear",
    betaStart: config.beta_start as number,
    betaEnd: config.beta_end as number,
  });
}

for (const id of goldenIds("schedules", /^betas_/)) {
  Deno.test(`VPSchedule tables agree with ${id}`, async () => {
    const golden = goldenCase(id);
    const s = scheduleOf(golden.info.config);
    const all = tensor(Float32Array.from({ length: 1000 }, (_, i) => i));
    await assertGolden(golden, {
      betas: s.betas,
      alphas_cumprod: s.alphasCumprod,
      sqrt_alphas_cumprod: s.alpha(all),
      sqrt_one_minus_alphas_cumprod: s.sigma(all),
      sigmas: s.sigmas,
      log_snr: s.snr(all).log(),
    });
  });
}

for (const id of goldenIds("schedules", /^convert_/)) {
  Deno.test(`conversions agree with ${id}`, async () => {
    const golden = goldenCase(id);
    const schedule = scheduleOf(golden.info.config);
    const [x0, noise, eps, v, x0Pred, uncond, t] = [
      "x0",
      "noise",
      "eps_pred",
      "v_pred",
      "x0_pred",
      "eps_uncond",
      "timesteps",
    ].map((name) => load(golden.inputs.get(name)!));
    const level = noiseLevel(schedule, t);
    const xt = addNoise(x0, noise, level);
    const snr = schedule.snr(t);
    // A model that answers the condition's own rows: guidance mixes them.
    const echo = {
      schedule,
      predict: (_x: unknown, _t: unknown, cond: { embeds?: typeof eps }) => ({
        x0: cond.embeds!,
        eps: cond.embeds!,
        score: cond.embeds!,
      }),
    };
    const mixed = guided(echo, golden.info.guidance_scale, { embeds: uncond });
    const x0FromEpsPred = x0FromEps(xt, eps, level);
    await assertGolden(golden, {
      x_t: xt,
      velocity: velocity(x0, noise, level),
      x0_from_eps: x0FromEpsPred,
      score_from_eps: scoreFromEps(eps, level),
      x0_from_v: x0FromV(xt, v, level),
      eps_from_v: epsFromV(xt, v, level),
      eps_from_x0: epsFromX0(xt, x0Pred, level),
      v_from_eps: velocity(x0FromEpsPred, eps, level),
      v_from_x0: vFromX0(xt, x0Pred, level),
      snr,
      min_snr5_weight_eps: minSnrWeight(snr, "eps"),
      min_snr5_weight_v: minSnrWeight(snr, "v"),
      guided_eps: mixed.predict(xt, t, { embeds: eps }).eps,
    });
  });
}

for (const id of goldenIds("schedules", /^edm_/)) {
  Deno.test(`EDM formulas agree with ${id}`, async () => {
    const golden = goldenCase(id);
    const c = golden.info.config;
    const sigma = load(golden.inputs.get("sigma")!);
    const { cSkip, cOut, cIn, cNoise } = edmPreconditioning(sigma, c.sigma_data);
    await assertGolden(golden, {
      c_skip: cSkip,
      c_out: cOut,
      c_in: cIn,
      c_noise: cNoise,
      loss_weight: edmLossWeight(sigma, c.sigma_data),
      karras_sigmas: karrasSigmas(c.num_steps, c.sigma_min, c.sigma_max, c.rho),
      train_sigma: logNormalSigmas(load(golden.inputs.get("normal")!), c.P_mean, c.P_std),
    });
  });
}

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
