import { type EDMSchedule, karrasSigmas } from "../schedules/edm.ts";
import { linspace } from "../schedules/beta_schedule.ts";
import type { VPSchedule } from "../schedules/vp.ts";
import type { Sampler, StepUpdate } from "./sampler.ts";
import { checkSteps, interpolate, roundHalfEven, timestepOfSigma, type TimestepSpacing } from "./timesteps.ts";

/**
 * Options of {@linkcode dpmSolverPlusPlus}, with the names and defaults of
 * diffusers' DPMSolverMultistepScheduler; those after `steps` are for discrete
 * schedules.
 */
export interface DPMSolverOptions {
  /** Number of steps. */
  readonly steps: number;
  /** How timesteps are spread; `linspace` by default. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to `leading` timesteps; 0 by default. */
  readonly stepsOffset?: number;
  /** Respace the noise levels after Karras et al. 2022 (rho 7). */
  readonly useKarrasSigmas?: boolean;
}

/**
 * DPM-Solver++ 2M, the multistep second-order solver of the data-prediction
 * ODE (Lu et al. 2022, algorithm 2), midpoint form. The first step is first
 * order for want of history, the last because it goes to sigma = 0. PixArt's
 * settings are the defaults on its linear schedule.
 *
 * @param schedule A discrete schedule, or EDM's (its Karras noise levels).
 * @param options Number and spacing of steps.
 * @returns The sampler; one model evaluation a step.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dpmSolverPlusPlus, VPSchedule } from "@dipp/scores";
 *
 * const pixart = new VPSchedule({ betaSchedule: "linear", betaStart: 1e-4, betaEnd: 0.02 });
 * assertEquals(dpmSolverPlusPlus(pixart, { steps: 4 }).timesteps, [999, 749, 500, 250]);
 * ```
 */
export function dpmSolverPlusPlus(
  schedule: VPSchedule | EDMSchedule,
  options: DPMSolverOptions,
): Sampler {
  const { timesteps, levels } = schedule.kind === "ve"
    ? edmGrid(schedule, options.steps)
    : discreteGrid(schedule, options);
  const lambda = levels.map(({ alpha, sigma }) => Math.log(alpha / sigma));
  return {
    initNoiseSigma: schedule.kind === "ve" ? schedule.sigmaMax : 1,
    timesteps,
    multistep: true,
    steps: timesteps.map((t, i) => {
      const [from, to] = [levels[i], levels[i + 1]];
      const h = lambda[i + 1] - lambda[i];
      const firstOrder = i === 0 || to.sigma === 0;
      const r = (lambda[i] - lambda[i - 1]) / h;
      return {
        update: multistepUpdate,
        coefficients: {
          t,
          alpha: from.alpha,
          sigma: from.sigma,
          // x' = keep x + data (x̂_0 + extrapolate (x̂_0 - previous x̂_0))
          keep: to.sigma / from.sigma,
          data: -to.alpha * Math.expm1(-h),
          extrapolate: firstOrder ? 0 : 0.5 / r,
        },
      };
    }),
  };
}

const multistepUpdate: StepUpdate = ({ x, previousX0 }, model, c) => {
  const eps = model(x, c.t.expand([x.shape[0]]));
  const x0 = x.sub(eps.mul(c.sigma)).div(c.alpha);
  const data = x0.add(x0.sub(previousX0!).mul(c.extrapolate));
  return { x: x.mul(c.keep).add(data.mul(c.data)), previousX0: x0 };
};

/** Times, and one noise level more than times: the last is noiseless. */
type Grid = {
  timesteps: number[];
  levels: { alpha: number; sigma: number }[];
};

function edmGrid(schedule: EDMSchedule, steps: number): Grid {
  const { sigmaMin, sigmaMax, rho } = schedule;
  const sigmas = [...karrasSigmas(steps, sigmaMin, sigmaMax, rho)];
  return {
    timesteps: sigmas.slice(0, -1),
    levels: sigmas.map((sigma) => ({ alpha: 1, sigma })),
  };
}

function discreteGrid(schedule: VPSchedule, options: DPMSolverOptions): Grid {
  const table = schedule.sigmas;
  let timesteps: number[];
  let sigmas: number[];
  if (options.useKarrasSigmas) {
    checkSteps(options.steps, table.length);
    sigmas = [...karrasSigmas(options.steps, table[0], table[table.length - 1])]
      .slice(0, -1);
    timesteps = sigmas.map((s) => roundHalfEven(timestepOfSigma(s, table)));
  } else {
    timesteps = solverTimesteps(table.length, options);
    sigmas = timesteps.map((t) => interpolate(table, t));
  }
  return {
    timesteps,
    levels: [...sigmas, 0].map((s) => ({
      alpha: 1 / Math.hypot(s, 1),
      sigma: s / Math.hypot(s, 1),
    })),
  };
}

/** diffusers' rule for this solver: the interval has an extra point, where sampling ends. */
function solverTimesteps(train: number, options: DPMSolverOptions): number[] {
  const { steps, timestepSpacing = "linspace", stepsOffset = 0 } = options;
  checkSteps(steps, train);
  switch (timestepSpacing) {
    case "linspace":
      return [...linspace(0, train - 1, steps + 1)].map(roundHalfEven).reverse()
        .slice(0, -1);
    case "leading": {
      const ratio = Math.floor(train / (steps + 1));
      return Array.from(
        { length: steps },
        (_, i) => (steps - i) * ratio + stepsOffset,
      );
    }
    case "trailing":
      return Array.from(
        { length: steps },
        (_, i) => roundHalfEven(train - i * train / steps) - 1,
      );
    default:
      throw new TypeError(
        `Unknown timestep spacing "${timestepSpacing}", expected "linspace", "leading" or "trailing"`,
      );
  }
}
