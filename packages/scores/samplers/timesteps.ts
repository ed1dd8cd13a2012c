/** Where on the discrete schedule a sampler stops, with the names and rules of diffusers. */
import { linspace } from "../schedules/beta_schedule.ts";

/** How timesteps are spread over the schedule (Lin et al. 2023, table 2). */
export type TimestepSpacing = "linspace" | "leading" | "trailing";

/**
 * Inference timesteps, largest first, as in diffusers' DDIM and Euler
 * schedulers.
 *
 * @param spacing The rule.
 * @param steps Number of timesteps.
 * @param train Number of training timesteps.
 * @param offset Added to `leading` timesteps (`steps_offset`; 1 for SD 1.5).
 * @returns `steps` timesteps; those of `linspace` are fractional.
 */
export function spacedTimesteps(
  spacing: TimestepSpacing,
  steps: number,
  train: number,
  offset = 0,
): number[] {
  checkSteps(steps, train);
  switch (spacing) {
    case "linspace":
      return [...linspace(0, train - 1, steps)].reverse();
    case "leading": {
      const ratio = Math.floor(train / steps);
      return Array.from(
        { length: steps },
        (_, i) => (steps - 1 - i) * ratio + offset,
      );
    }
    case "trailing":
      return Array.from(
        { length: steps },
        (_, i) => roundHalfEven(train - i * train / steps) - 1,
      );
    default:
      throw new TypeError(
        `Unknown timestep spacing "${spacing}", expected "linspace", "leading" or "trailing"`,
      );
  }
}

/**
 * Checks a number of sampling steps.
 *
 * @param steps Number of sampling steps.
 * @param train Number of training timesteps.
 */
export function checkSteps(steps: number, train: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > train) {
    throw new RangeError(
      `The number of steps must be an integer from 1 to ${train}, got ${steps}`,
    );
  }
}

/**
 * Rounds to the nearest integer, halves to the even one (NumPy's rule, which
 * decides some timesteps).
 *
 * @param x A number.
 * @returns The integer.
 */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Reads a table at a fractional index, linearly.
 *
 * @param table The table.
 * @param t The index, clamped to the table.
 * @returns The interpolated value.
 */
export function interpolate(table: Float64Array, t: number): number {
  const clamped = Math.min(Math.max(t, 0), table.length - 1);
  const low = Math.min(Math.floor(clamped), table.length - 2);
  return table[low] + (clamped - low) * (table[low + 1] - table[low]);
}

/**
 * The fractional timestep of a noise level, linear in ln sigma.
 *
 * @param sigma The noise level sigma / alpha.
 * @param sigmas The levels of all timesteps, increasing.
 * @returns The timestep.
 */
export function timestepOfSigma(sigma: number, sigmas: Float64Array): number {
  let low = 0;
  while (low < sigmas.length - 2 && sigmas[low + 1] <= sigma) low++;
  const [a, b] = [Math.log(sigmas[low]), Math.log(sigmas[low + 1])];
  const w = (Math.log(sigma) - a) / (b - a);
  return low + Math.min(Math.max(w, 0), 1);
}
