import type { VPSchedule } from "../schedules/vp.ts";
import type { Sampler, StepUpdate } from "./sampler.ts";
import { roundHalfEven, spacedTimesteps, type TimestepSpacing } from "./timesteps.ts";

/** Options of {@linkcode ddim}, with the names and defaults of diffusers' DDIMScheduler. */
export interface DDIMOptions {
  /** Number of steps. */
  readonly steps: number;
  /** How timesteps are spread; `leading` by default. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to `leading` timesteps; 0 by default, 1 for SD 1.5. */
  readonly stepsOffset?: number;
  /** Whether the last step goes to ᾱ = 1 (default) or to that of timestep 0 (SD 1.5). */
  readonly setAlphaToOne?: boolean;
}

/**
 * DDIM, deterministic (eta = 0): `x' = alpha' x̂_0 + sigma' eps` (Song et al.
 * 2021, eq. 12).
 *
 * @param schedule The discrete schedule.
 * @param options Number and spacing of steps.
 * @returns The sampler.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ddim, VPSchedule } from "@dipp/scores";
 *
 * const sampler = ddim(new VPSchedule(), { steps: 4, stepsOffset: 1 });
 * assertEquals(sampler.timesteps, [751, 501, 251, 1]);
 * ```
 */
export function ddim(schedule: VPSchedule, options: DDIMOptions): Sampler {
  const { steps, timestepSpacing = "leading", stepsOffset = 0 } = options;
  const train = schedule.numTrainTimesteps;
  const timesteps = spacedTimesteps(timestepSpacing, steps, train, stepsOffset)
    .map(roundHalfEven);
  const table = schedule.alphasCumprod;
  const finalAlphaBar = options.setAlphaToOne ?? true ? 1 : table[0];
  return {
    initNoiseSigma: 1,
    timesteps,
    steps: timesteps.map((t) => {
      // As in diffusers, every step spans train / steps timesteps.
      const next = t - Math.floor(train / steps);
      const [from, to] = [table[t], next >= 0 ? table[next] : finalAlphaBar];
      const coefficients = {
        t,
        alpha: Math.sqrt(from),
        sigma: Math.sqrt(1 - from),
        nextAlpha: Math.sqrt(to),
        nextSigma: Math.sqrt(1 - to),
      };
      return { update: ddimStep, coefficients };
    }),
  };
}

const ddimStep: StepUpdate = ({ x }, model, c) => {
  const eps = model(x, c.t.expand([x.shape[0]]));
  const x0 = x.sub(eps.mul(c.sigma)).div(c.alpha);
  return {
    x: x0.mul(c.nextAlpha).add(
      eps.mul(c.nextSigma),
    ),
  };
};
