import { type EDMSchedule, karrasSigmas } from "../schedules/edm.ts";
import type { VPSchedule } from "../schedules/vp.ts";
import type { Sampler, StepUpdate } from "./sampler.ts";
import { interpolate, spacedTimesteps, timestepOfSigma, type TimestepSpacing } from "./timesteps.ts";

/** Options of {@linkcode euler}; those after `steps` are for discrete schedules, as in diffusers. */
export interface EulerOptions {
  /** Number of steps. */
  readonly steps: number;
  /** How timesteps are spread; `linspace` by default. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to `leading` timesteps; 0 by default, 1 for SD 1.5. */
  readonly stepsOffset?: number;
  /** Respace the noise levels after Karras et al. 2022 (rho 7). */
  readonly useKarrasSigmas?: boolean;
}

/**
 * Euler's method on `dx/dsigma = eps` in variance-exploding coordinates
 * (Karras et al. 2022, algorithm 1 without the correction; diffusers'
 * EulerDiscreteScheduler for a discrete schedule).
 *
 * @param schedule A discrete schedule, or EDM's.
 * @param options Number and spacing of steps.
 * @returns The sampler. For a discrete schedule its sample lives in
 *   variance-exploding coordinates, x / alpha; the end, sigma = 0, is the image.
 */
export function euler(
  schedule: VPSchedule | EDMSchedule,
  options: EulerOptions,
): Sampler {
  const { steps } = options;
  const { timesteps, sigmas, initNoiseSigma } = schedule.kind === "ve"
    ? edmGrid(schedule, steps)
    : discreteGrid(schedule, options);
  return {
    initNoiseSigma,
    timesteps,
    steps: timesteps.map((t, i) => ({
      update: eulerStep,
      coefficients: {
        t,
        inputScale: schedule.kind === "ve" ? 1 : 1 / Math.hypot(sigmas[i], 1),
        step: sigmas[i + 1] - sigmas[i],
      },
    })),
  };
}

const eulerStep: StepUpdate = ({ x }, model, c) => {
  const eps = model(x.mul(c.inputScale), c.t.expand([x.shape[0]]));
  return { x: x.add(eps.mul(c.step)) };
};

/** Times, `steps + 1` noise levels ending at 0, and the scale of the first sample. */
type Grid = { timesteps: number[]; sigmas: number[]; initNoiseSigma: number };

function edmGrid(schedule: EDMSchedule, steps: number): Grid {
  const { sigmaMin, sigmaMax, rho } = schedule;
  const sigmas = [...karrasSigmas(steps, sigmaMin, sigmaMax, rho)];
  return { timesteps: sigmas.slice(0, -1), sigmas, initNoiseSigma: sigmaMax };
}

function discreteGrid(schedule: VPSchedule, options: EulerOptions): Grid {
  const { steps, timestepSpacing = "linspace", stepsOffset = 0 } = options;
  const train = schedule.numTrainTimesteps;
  let timesteps = spacedTimesteps(timestepSpacing, steps, train, stepsOffset);
  let sigmas = timesteps.map((t) => interpolate(schedule.sigmas, t));
  if (options.useKarrasSigmas) {
    sigmas = [...karrasSigmas(steps, sigmas[steps - 1], sigmas[0])].slice(0, -1);
    timesteps = sigmas.map((s) => timestepOfSigma(s, schedule.sigmas));
  }
  // "leading" does not start at the last timestep, where alpha is (nearly) 0.
  const initNoiseSigma = timestepSpacing === "leading" ? Math.hypot(sigmas[0], 1) : sigmas[0];
  return { timesteps, sigmas: [...sigmas, 0], initNoiseSigma };
}
