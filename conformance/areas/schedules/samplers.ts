import {
  ddim,
  dpmSolverPlusPlus,
  EDMSchedule,
  type EpsFn,
  epsModel,
  euler,
  heun,
  makeSampleFn,
  type Sampler,
  type ScoreModel,
  type TimestepSpacing,
  vModel,
  type VPSchedule,
} from "@dipp/scores";
import { stack, type Tensor } from "@dipp/tensor";
import { type Outputs, Skipped } from "../../area.ts";
import type { GoldenCase } from "../../golden_case.ts";
import { type Mixture, mixtureEps } from "./mixture.ts";
import { type BetaConfig, scheduleOf } from "./schedule_of.ts";

/** A scheduler as diffusers configures it. */
interface SchedulerConfig extends BetaConfig {
  readonly timestep_spacing?: TimestepSpacing;
  readonly steps_offset?: number;
  readonly use_karras_sigmas?: boolean;
  readonly set_alpha_to_one?: boolean;
  readonly clip_sample?: boolean;
  readonly prediction_type?: string;
}

interface SamplerConfig {
  readonly scheduler: string;
  readonly scheduler_config: SchedulerConfig;
  readonly num_inference_steps: number;
}

/** Settings that the samplers here do not have, and the values they behave like. */
const FIXED: Readonly<Record<string, unknown>> = {
  algorithm_type: "dpmsolver++",
  euler_at_final: false,
  final_sigmas_type: "zero",
  lower_order_final: true,
  rescale_betas_zero_snr: false,
  solver_order: 2,
  solver_type: "midpoint",
  thresholding: false,
  trained_betas: null,
  use_beta_sigmas: false,
  use_exponential_sigmas: false,
  use_lu_lambdas: false,
};

/** A trajectory of one of diffusers' schedulers on the exact model of a mixture of Gaussians. */
export function sampler(one: GoldenCase): Outputs {
  const config = one.field<SamplerConfig>("config");
  const c = config.scheduler_config;
  const schedule = scheduleOf(c);
  const made = samplerOf(schedule, config);
  const mixture = one.field<Mixture>("mixture");
  const predicted: Tensor[] = [];
  const eps: EpsFn = (x, t) => {
    predicted.push(mixtureEps(mixture, x, schedule.alpha(t).square()));
    return predicted[predicted.length - 1];
  };
  const model = modelOf(c.prediction_type ?? "epsilon", eps, schedule);
  const noise = one.input("noise");
  const trajectory = trajectoryOf(made, model, noise);
  return {
    timesteps: made.timesteps,
    init_noise_sigma: [made.initNoiseSigma],
    sigmas: sigmasOf(made),
    trajectory,
    model_eps: stack(predicted.slice(0, made.steps.length), 0),
    // The compiled step, which is traced once
    final: makeSampleFn(model, { sampler: made, compile: true })(noise),
  };
}

function samplerOf(
  schedule: VPSchedule,
  { scheduler, scheduler_config: c, num_inference_steps }: SamplerConfig,
): Sampler {
  for (const [name, value] of Object.entries(c)) {
    if (name in FIXED && value !== FIXED[name]) {
      throw new Skipped(`the samplers have no ${name} ${JSON.stringify(value)}`);
    }
  }
  const options = {
    steps: num_inference_steps,
    timestepSpacing: c.timestep_spacing,
    stepsOffset: c.steps_offset,
    useKarrasSigmas: c.use_karras_sigmas,
  };
  switch (scheduler) {
    case "DDIMScheduler":
      // diffusers clips unless told not to
      if (c.clip_sample !== false) throw new Skipped("DDIM here does not clip its samples");
      return ddim(schedule, { ...options, setAlphaToOne: c.set_alpha_to_one });
    case "EulerDiscreteScheduler":
      return euler(schedule, options);
    case "DPMSolverMultistepScheduler":
      return dpmSolverPlusPlus(schedule, options);
    default:
      throw new Skipped(`there is no sampler "${scheduler}"`);
  }
}

/** The exact model in another parameterisation. */
function modelOf(type: string, eps: EpsFn, schedule: VPSchedule): ScoreModel {
  if (type === "epsilon") return epsModel(eps, schedule);
  if (type !== "v_prediction") throw new Skipped(`nothing here computes the prediction type "${type}"`);
  return vModel((x, t) => {
    const [alpha, sigma] = [schedule.alpha(t).unsqueeze(1), schedule.sigma(t).unsqueeze(1)];
    return eps(x, t).sub(x.mul(sigma)).div(alpha);
  }, schedule);
}

/** The sample before the first and after every step, `[steps + 1, B, D]`, as one lazy graph. */
function trajectoryOf(made: Sampler, model: ScoreModel | EpsFn, noise: Tensor): Tensor {
  const xs = [noise.mul(made.initNoiseSigma)];
  makeSampleFn(model, { sampler: made, onStep: (_, x) => xs.push(x) })(noise);
  return stack(xs, 0);
}

/** The noise levels sigma / alpha that a sampler passes, and the 0 at its end. */
function sigmasOf({ steps }: Sampler): number[] {
  const sigmas = [0];
  for (const { coefficients: c } of [...steps].reverse()) {
    sigmas.unshift("alpha" in c ? c.sigma / c.alpha : sigmas[0] - c.step);
  }
  return sigmas;
}

/** Trajectories of EDM's deterministic samplers. */
export function edmSampler(one: GoldenCase): Outputs {
  const c = one.field<{ sigma_min: number; sigma_max: number; rho: number; num_steps: number }>("config");
  const schedule = new EDMSchedule({ sigmaMin: c.sigma_min, sigmaMax: c.sigma_max, rho: c.rho });
  const mixture = one.field<Mixture>("mixture");
  const model: EpsFn = (x, sigma) => {
    const total = sigma.square().add(1);
    return mixtureEps(mixture, x.mul(total.rsqrt().unsqueeze(1)), total.reciprocal());
  };
  const steps = c.num_steps;
  const noise = one.input("noise");
  return {
    sigmas: [...heun(schedule, { steps }).timesteps, 0],
    trajectory_heun: trajectoryOf(heun(schedule, { steps }), model, noise),
    trajectory_euler: trajectoryOf(euler(schedule, { steps }), model, noise),
  };
}
