import { type EDMSchedule, karrasSigmas } from "../schedules/edm.ts";
import type { Sampler, StepUpdate } from "./sampler.ts";

/**
 * EDM's deterministic second-order sampler (Karras et al. 2022, algorithm 1):
 * an Euler step corrected with the slope at its end, except for the step to
 * sigma = 0. It evaluates the model `2 steps - 1` times.
 *
 * @param schedule EDM's schedule.
 * @param options Number of steps.
 * @returns The sampler.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { EDMSchedule, heun } from "@dipp/scores";
 *
 * const sampler = heun(new EDMSchedule({ sigmaMax: 80 }), { steps: 18 });
 * assertEquals(Math.round(sampler.timesteps[0]), 80);
 * ```
 */
export function heun(
  schedule: EDMSchedule,
  options: { steps: number },
): Sampler {
  const { sigmaMin, sigmaMax, rho } = schedule;
  const sigmas = karrasSigmas(options.steps, sigmaMin, sigmaMax, rho);
  const timesteps = [...sigmas.subarray(0, -1)];
  return {
    initNoiseSigma: sigmaMax,
    timesteps,
    steps: timesteps.map((t, i) => ({
      update: sigmas[i + 1] > 0 ? heunStep : lastStep,
      coefficients: { t, next: sigmas[i + 1], step: sigmas[i + 1] - t },
    })),
  };
}

const heunStep: StepUpdate = ({ x }, model, c) => {
  const batch = [x.shape[0]];
  const slope = model(x, c.t.expand(batch));
  const predicted = x.add(slope.mul(c.step));
  const slopeThere = model(predicted, c.next.expand(batch));
  return { x: x.add(slope.add(slopeThere).mul(c.step).mul(0.5)) };
};

const lastStep: StepUpdate = ({ x }, model, c) => {
  return { x: x.add(model(x, c.t.expand([x.shape[0]])).mul(c.step)) };
};
