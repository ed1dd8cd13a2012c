import {
  addNoise,
  edmLossWeight,
  edmPreconditioning,
  epsFromV,
  epsFromX0,
  guided,
  karrasSigmas,
  logNormalSigmas,
  minSnrWeight,
  noiseLevel,
  scoreFromEps,
  type ScoreModel,
  velocity,
  vFromX0,
  x0FromEps,
  x0FromV,
} from "@dipp/scores";
import { tensor } from "@dipp/tensor";
import { byKind, type Outputs } from "../area.ts";
import type { GoldenCase } from "../golden_case.ts";
import { edmSampler, sampler } from "./schedules/samplers.ts";
import { type BetaConfig, scheduleOf } from "./schedules/schedule_of.ts";

/** Noise schedules, conversions between predictions, EDM's formulas, and the trajectories of samplers. */
export const schedules = byKind({ betas, convert, edm, sampler, edm_sampler: edmSampler });

function betas(one: GoldenCase): Outputs {
  const schedule = scheduleOf(one.field<BetaConfig>("config"));
  const all = tensor(Float32Array.from({ length: schedule.numTrainTimesteps }, (_, i) => i));
  return {
    betas: schedule.betas,
    alphas_cumprod: schedule.alphasCumprod,
    sqrt_alphas_cumprod: schedule.alpha(all),
    sqrt_one_minus_alphas_cumprod: schedule.sigma(all),
    sigmas: schedule.sigmas,
    log_snr: schedule.snr(all).log(),
  };
}

function convert(one: GoldenCase): Outputs {
  const schedule = scheduleOf(one.field<BetaConfig>("config"));
  const [x0, eps, v, t] = ["x0", "eps_pred", "v_pred", "timesteps"].map((name) => one.input(name));
  const [noise, x0Pred] = [one.input("noise"), one.input("x0_pred")];
  const level = noiseLevel(schedule, t);
  const xt = addNoise(x0, noise, level);
  const snr = schedule.snr(t);
  // A model that answers its condition: guidance mixes the two
  const echo: ScoreModel = {
    schedule,
    predict: (_x, _t, { embeds }) => ({ x0: embeds!, eps: embeds!, score: embeds! }),
  };
  const mixed = guided(echo, one.field("guidance_scale"), { embeds: one.input("eps_uncond") });
  const x0FromEpsPred = x0FromEps(xt, eps, level);
  return {
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
  };
}

interface EdmConfig {
  readonly sigma_data: number;
  readonly sigma_min: number;
  readonly sigma_max: number;
  readonly rho: number;
  readonly num_steps: number;
  readonly P_mean: number;
  readonly P_std: number;
}

function edm(one: GoldenCase): Outputs {
  const c = one.field<EdmConfig>("config");
  const sigma = one.input("sigma");
  const { cSkip, cOut, cIn, cNoise } = edmPreconditioning(sigma, c.sigma_data);
  return {
    c_skip: cSkip,
    c_out: cOut,
    c_in: cIn,
    c_noise: cNoise,
    loss_weight: edmLossWeight(sigma, c.sigma_data),
    karras_sigmas: karrasSigmas(c.num_steps, c.sigma_min, c.sigma_max, c.rho),
    train_sigma: logNormalSigmas(one.input("normal"), c.P_mean, c.P_std),
  };
}
