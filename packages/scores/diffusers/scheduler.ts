import { z } from "zod";
import { parseConfig } from "../networks/config_error.ts";
import { epsModel } from "../parameterisations/eps.ts";
import { vModel } from "../parameterisations/v.ts";
import { x0Model } from "../parameterisations/x0.ts";
import { ddim } from "../samplers/ddim.ts";
import { dpmSolverPlusPlus } from "../samplers/dpm_solver.ts";
import { euler } from "../samplers/euler.ts";
import type { Sampler } from "../samplers/sampler.ts";
import { VPSchedule } from "../schedules/vp.ts";
import type { NetworkFn, ScoreModel } from "../types.ts";

/** The samplers by short names. */
export type SamplerName = "ddim" | "dpm-solver++" | "euler";

/** A scheduler of diffusers: the forward process, what the network predicts, and how to sample. */
export interface Scheduler {
  /** Its class in diffusers. */
  readonly className: string;
  /** The forward process. */
  readonly schedule: VPSchedule;
  /** Reads the network's output as the scheduler says. */
  readonly scoreModel: (network: NetworkFn) => ScoreModel;
  /** A sampler with the scheduler's settings: that of its class, or another. */
  readonly sampler: (steps: number, name?: SamplerName) => Sampler;
}

/** What samples where nothing else is asked for. PNDM and its like take DDIM, which shares their settings. */
const SAMPLERS: Readonly<Record<string, SamplerName>> = {
  DDIMScheduler: "ddim",
  DDPMScheduler: "ddim",
  PNDMScheduler: "ddim",
  LCMScheduler: "ddim",
  DPMSolverMultistepScheduler: "dpm-solver++",
  EulerDiscreteScheduler: "euler",
};

// Other keys belong to one class or another, and say nothing about the forward process
const schema = z.looseObject({
  num_train_timesteps: z.number().int().positive().max(100_000).default(1000),
  beta_start: z.number().positive().lt(1).default(0.0001),
  beta_end: z.number().positive().lt(1).default(0.02),
  beta_schedule: z.enum(["linear", "scaled_linear", "squaredcos_cap_v2"]).default("linear"),
  trained_betas: z.null().optional(),
  prediction_type: z.enum(["epsilon", "v_prediction", "sample"]).default("epsilon"),
  rescale_betas_zero_snr: z.literal(false).optional(),
  steps_offset: z.number().int().nonnegative().default(0),
  set_alpha_to_one: z.boolean().default(true),
  timestep_spacing: z.enum(["linspace", "leading", "trailing"]).optional(),
  use_karras_sigmas: z.boolean().nullable().default(false),
  thresholding: z.literal(false).optional(),
});

/**
 * Reads a `scheduler_config.json` of diffusers.
 *
 * @param config The configuration, parsed.
 * @returns The scheduler.
 * @throws {TypeError} If its class is not known, or a setting is wrong or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseScheduler } from "@dipp/scores";
 *
 * const { sampler } = parseScheduler({ _class_name: "PNDMScheduler", steps_offset: 1 });
 * assertEquals(sampler(4).timesteps, [751, 501, 251, 1]);
 * ```
 */
export function parseScheduler(config: Readonly<Record<string, unknown>>): Scheduler {
  const className = `${config._class_name}`;
  if (!Object.hasOwn(SAMPLERS, className)) {
    throw new TypeError(`Invalid scheduler: _class_name is ${className}, expected ${Object.keys(SAMPLERS).join(", ")}`);
  }
  const own = parseConfig(schema, config, className);
  const schedule = new VPSchedule({
    numTrainTimesteps: own.num_train_timesteps,
    betaSchedule: own.beta_schedule,
    betaStart: own.beta_start,
    betaEnd: own.beta_end,
  });
  const model = { epsilon: epsModel, v_prediction: vModel, sample: x0Model }[own.prediction_type];
  const spacing = own.timestep_spacing === undefined ? {} : { timestepSpacing: own.timestep_spacing };
  return {
    className,
    schedule,
    scoreModel: (network) => model(network, schedule),
    sampler(steps, name = SAMPLERS[className]) {
      const common = { steps, stepsOffset: own.steps_offset, ...spacing };
      switch (name) {
        case "ddim":
          return ddim(schedule, { ...common, setAlphaToOne: own.set_alpha_to_one });
        case "dpm-solver++":
          return dpmSolverPlusPlus(schedule, { ...common, useKarrasSigmas: own.use_karras_sigmas ?? false });
        case "euler":
          return euler(schedule, { ...common, useKarrasSigmas: own.use_karras_sigmas ?? false });
      }
    },
  };
}
