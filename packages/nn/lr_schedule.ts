/**
 * Learning rates as functions of the step, with the warm-up and decay rules of
 * diffusers and transformers.
 *
 * @module
 */

/** The shape of a learning-rate schedule. */
export type LrScheduleName =
  | "constant"
  | "constant_with_warmup"
  | "linear"
  | "cosine"
  | "cosine_with_restarts"
  | "polynomial";

/** The settings of {@linkcode lrSchedule}. */
export interface LrScheduleOptions {
  /** The shape. */
  readonly name: LrScheduleName;
  /** The learning rate at its highest. */
  readonly lr: number;
  /** Steps of linear warm-up from 0, ignored by `constant`. Default 0. */
  readonly warmupSteps?: number;
  /** The step at which the decay ends; needed by all but the constant ones. */
  readonly totalSteps?: number;
  /**
   * Waves of the cosine: default 0.5 for `cosine` (one fall to zero) and 1 for
   * `cosine_with_restarts` (number of falls).
   */
  readonly numCycles?: number;
  /** Exponent of `polynomial`. Default 1. */
  readonly power?: number;
  /** The learning rate at which `polynomial` ends. Default 1e-7. */
  readonly lrEnd?: number;
}

/**
 * Builds a learning-rate schedule.
 *
 * Beyond the last step `linear` stays at 0, `cosine_with_restarts` at 0 and
 * `polynomial` at `lrEnd`; `cosine` rises again, as in diffusers, because its
 * progress is not limited.
 *
 * Source: diffusers, `optimization.py`, `get_scheduler`.
 *
 * @param options see {@linkcode LrScheduleOptions}
 * @returns the learning rate of a step, steps counted from 0
 * @throws {RangeError} when a setting is out of its range or missing
 *
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { lrSchedule } from "@dipp/nn";
 *
 * const lr = lrSchedule({
 *   name: "cosine",
 *   lr: 2e-4,
 *   warmupSteps: 10,
 *   totalSteps: 110,
 * });
 * assertEquals(lr(5), 1e-4);
 * assertAlmostEquals(lr(60), 1e-4);
 * ```
 */
export function lrSchedule(
  options: LrScheduleOptions,
): (step: number) => number {
  const { name, lr, warmupSteps: warmup = 0, power = 1, lrEnd = 1e-7 } = options;
  checkAtLeast("lr", lr, 0);
  checkAtLeast("warmupSteps", warmup, 0);
  if (name === "constant") return () => lr;
  const afterWarmup = (decay: (step: number) => number) => (step: number) =>
    lr * (step < warmup ? step / Math.max(1, warmup) : decay(step));
  if (name === "constant_with_warmup") return afterWarmup(() => 1);

  const total = options.totalSteps;
  if (total === undefined) {
    throw new RangeError(`Learning-rate schedule "${name}" needs totalSteps`);
  }
  checkAtLeast("totalSteps", total, warmup);
  const span = Math.max(1, total - warmup);
  const progress = (step: number) => (step - warmup) / span;
  switch (name) {
    case "linear":
      return afterWarmup((step) => Math.max(0, (total - step) / span));
    case "cosine": {
      const cycles = options.numCycles ?? 0.5;
      checkAtLeast("numCycles", cycles, 0);
      return afterWarmup((step) => wave(Math.PI * cycles * 2 * progress(step)));
    }
    case "cosine_with_restarts": {
      const cycles = options.numCycles ?? 1;
      checkAtLeast("numCycles", cycles, 0);
      return afterWarmup((step) => {
        const p = progress(step);
        return p >= 1 ? 0 : wave(Math.PI * ((cycles * p) % 1));
      });
    }
    case "polynomial": {
      checkAtLeast("lrEnd", lrEnd, 0);
      if (!(lrEnd < lr)) {
        throw new RangeError(
          `lrEnd is ${lrEnd}, expected less than lr, which is ${lr}`,
        );
      }
      return afterWarmup((step) => {
        if (step > total) return lrEnd / lr;
        return ((lr - lrEnd) * (1 - progress(step)) ** power + lrEnd) / lr;
      });
    }
    default:
      throw new RangeError(
        `Learning-rate schedule is "${name}", expected constant, ` +
          `constant_with_warmup, linear, cosine, cosine_with_restarts or ` +
          `polynomial`,
      );
  }
}

function wave(angle: number): number {
  return Math.max(0, 0.5 * (1 + Math.cos(angle)));
}

function checkAtLeast(name: string, value: number, least: number): void {
  if (value >= least && Number.isFinite(value)) return;
  throw new RangeError(
    `${name} is ${value}, expected a number of at least ${least}`,
  );
}
