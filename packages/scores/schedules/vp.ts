import { indexSelect, type Tensor, tensor } from "@dipp/tensor";
import type { NoiseSchedule } from "../types.ts";
import { type BetaSchedule, makeBetas } from "./beta_schedule.ts";

/** Options of {@linkcode VPSchedule}, with the meaning of diffusers' scheduler configs. */
export interface VPScheduleOptions {
  /** Number of timesteps; 1000 by default. */
  readonly numTrainTimesteps?: number;
  /** Kind of beta schedule; `scaled_linear` (SD 1.5) by default. */
  readonly betaSchedule?: BetaSchedule;
  /** First beta; 0.00085 by default. */
  readonly betaStart?: number;
  /** Last beta; 0.012 by default. */
  readonly betaEnd?: number;
}

/**
 * The variance-preserving discrete schedule of DDPM:
 * `x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) eps`, ᾱ_t the product of (1 - beta) up to and
 * including index `t` (Ho et al. 2020, eq. 4).
 *
 * Tables are computed in float64 and rounded once. A fractional `t`, as some
 * samplers ask for, takes the nearest index.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { VPSchedule } from "@dipp/scores";
 *
 * const sd15 = new VPSchedule({ betaSchedule: "scaled_linear", betaStart: 0.00085, betaEnd: 0.012 });
 * assertEquals(sd15.timeOfRatio(2.5), 625);
 * ```
 */
export class VPSchedule implements NoiseSchedule {
  /** Variance preserving: alpha² + sigma² = 1. */
  readonly kind = "vp" as const;
  /** beta of every timestep. */
  readonly betas: Float64Array;
  /** ᾱ of every timestep. */
  readonly alphasCumprod: Float64Array;
  /** sigma / alpha of every timestep: the noise level in variance-exploding coordinates. */
  readonly sigmas: Float64Array;
  readonly #alphaTable: Tensor;
  readonly #sigmaTable: Tensor;
  readonly #snrTable: Tensor;

  /**
   * Computes the tables.
   *
   * @param options The constants; SD 1.5's by default.
   */
  constructor(options: VPScheduleOptions = {}) {
    const {
      numTrainTimesteps = 1000,
      betaSchedule = "scaled_linear",
      betaStart = 0.00085,
      betaEnd = 0.012,
    } = options;
    if (!Number.isInteger(numTrainTimesteps) || numTrainTimesteps < 1) {
      throw new RangeError(
        `numTrainTimesteps must be a positive integer, got ${numTrainTimesteps}`,
      );
    }
    this.betas = makeBetas(betaSchedule, numTrainTimesteps, betaStart, betaEnd);
    let product = 1;
    this.alphasCumprod = this.betas.map((beta) => product *= 1 - beta);
    this.sigmas = this.alphasCumprod.map((ab) => Math.sqrt((1 - ab) / ab));
    const table = (f: (ab: number) => number) => tensor(Float32Array.from(this.alphasCumprod, f));
    this.#alphaTable = table((ab) => Math.sqrt(ab));
    this.#sigmaTable = table((ab) => Math.sqrt(1 - ab));
    this.#snrTable = table((ab) => ab / (1 - ab));
  }

  /** Number of timesteps. */
  get numTrainTimesteps(): number {
    return this.betas.length;
  }

  /**
   * Signal scale √ᾱ.
   *
   * @param t Timesteps, `[B]`.
   * @returns `[B]`.
   */
  alpha(t: Tensor): Tensor {
    return this.#lookUp(this.#alphaTable, t);
  }

  /**
   * Noise scale √(1 - ᾱ).
   *
   * @param t Timesteps, `[B]`.
   * @returns `[B]`.
   */
  sigma(t: Tensor): Tensor {
    return this.#lookUp(this.#sigmaTable, t);
  }

  /**
   * Signal-to-noise ratio ᾱ / (1 - ᾱ).
   *
   * @param t Timesteps, `[B]`.
   * @returns `[B]`.
   */
  snr(t: Tensor): Tensor {
    return this.#lookUp(this.#snrTable, t);
  }

  /**
   * The timestep whose sigma / alpha is nearest to a given ratio.
   *
   * @param ratio A noise level in variance-exploding coordinates.
   * @returns The index, from 0 to numTrainTimesteps - 1.
   */
  timeOfRatio(ratio: number): number {
    let best = 0;
    this.sigmas.forEach((s, i) => {
      if (Math.abs(s - ratio) < Math.abs(this.sigmas[best] - ratio)) best = i;
    });
    return best;
  }

  #lookUp(table: Tensor, t: Tensor): Tensor {
    if (t.ndim !== 1) {
      throw new RangeError(`Timesteps must have shape [B], got [${t.shape}]`);
    }
    const index = t.dtype === "i32" ? t : t.round().clamp(0, this.numTrainTimesteps - 1).cast("i32");
    return indexSelect(table, 0, index);
  }
}
