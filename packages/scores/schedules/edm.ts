import { ones, type Tensor } from "@dipp/tensor";
import type { NoiseSchedule } from "../types.ts";

/**
 * The variance-exploding schedule of EDM: `x = x_0 + sigma eps`, time is the
 * noise level itself (Karras et al. 2022).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { EDMSchedule } from "@dipp/scores";
 *
 * const edm = new EDMSchedule({ sigmaMin: 0.002, sigmaMax: 80 });
 * assertEquals(edm.timeOfRatio(2.5), 2.5);
 * ```
 */
export class EDMSchedule implements NoiseSchedule {
  /** Variance exploding: alpha = 1. */
  readonly kind = "ve" as const;
  /** Smallest noise level that samplers use. */
  readonly sigmaMin: number;
  /** Largest noise level that samplers use. */
  readonly sigmaMax: number;
  /** Exponent of the spacing of noise levels. */
  readonly rho: number;

  /**
   * Sets the range of noise levels.
   *
   * @param options The range and spacing of noise levels when sampling; the
   *   paper's 0.002, 80 and 7 by default.
   */
  constructor(
    options: { sigmaMin?: number; sigmaMax?: number; rho?: number } = {},
  ) {
    const { sigmaMin = 0.002, sigmaMax = 80, rho = 7 } = options;
    if (!(sigmaMin > 0 && sigmaMax > sigmaMin)) {
      throw new RangeError(
        `Noise levels must satisfy 0 < sigmaMin < sigmaMax, got ${sigmaMin} and ${sigmaMax}`,
      );
    }
    this.sigmaMin = sigmaMin;
    this.sigmaMax = sigmaMax;
    this.rho = rho;
  }

  /**
   * Signal scale: one.
   *
   * @param t Noise levels, `[B]`.
   * @returns `[B]`.
   */
  alpha(t: Tensor): Tensor {
    return ones([...t.shape]);
  }

  /**
   * Noise scale: `t` itself.
   *
   * @param t Noise levels, `[B]`.
   * @returns `[B]`.
   */
  sigma(t: Tensor): Tensor {
    return t;
  }

  /**
   * Signal-to-noise ratio 1 / sigma².
   *
   * @param t Noise levels, `[B]`.
   * @returns `[B]`.
   */
  snr(t: Tensor): Tensor {
    return t.square().reciprocal();
  }

  /**
   * The time of a noise level: itself.
   *
   * @param ratio The noise level.
   * @returns `ratio`.
   */
  timeOfRatio(ratio: number): number {
    return ratio;
  }
}

/**
 * The noise levels of Karras et al. 2022, eq. 5, largest first, followed by 0:
 * `(max^(1/rho) + i/(n-1) (min^(1/rho) - max^(1/rho)))^rho`.
 *
 * @param n Number of levels before the final 0.
 * @param sigmaMin The smallest of them.
 * @param sigmaMax The largest of them.
 * @param rho The spacing's exponent.
 * @returns `n + 1` levels.
 */
export function karrasSigmas(
  n: number,
  sigmaMin: number,
  sigmaMax: number,
  rho = 7,
): Float64Array {
  if (!Number.isInteger(n) || n < 1) {
    throw new RangeError(
      `The number of steps must be a positive integer, got ${n}`,
    );
  }
  const [lo, hi] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
  const sigmas = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    sigmas[i] = (hi + (n > 1 ? i / (n - 1) : 0) * (lo - hi)) ** rho;
  }
  return sigmas;
}

/**
 * Noise levels for training, `ln sigma ~ N(pMean, pStd²)` (Karras et al. 2022,
 * table 1).
 *
 * @param normal Standard normal numbers, any shape.
 * @param pMean Mean of ln sigma.
 * @param pStd Standard deviation of ln sigma.
 * @returns Noise levels, shaped like `normal`.
 */
export function logNormalSigmas(
  normal: Tensor,
  pMean = -1.2,
  pStd = 1.2,
): Tensor {
  return normal.mul(pStd).add(pMean).exp();
}
