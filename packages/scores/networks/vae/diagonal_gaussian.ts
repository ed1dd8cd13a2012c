import { randn, type Tensor } from "@dipp/tensor";

/**
 * The distribution of the latents of an image: independent normals (diffusers' `DiagonalGaussianDistribution`).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { tensor } from "@dipp/tensor";
 * import { DiagonalGaussian } from "@dipp/scores";
 *
 * const latents = new DiagonalGaussian(tensor([3, 0], [1, 2, 1, 1])); // mean 3, log variance 0
 * assertEquals([...await latents.sample(tensor([2], [1, 1, 1, 1])).data()], [5]);
 * ```
 */
export class DiagonalGaussian {
  /** The encoder's output, means before logarithms of variances, `[B, 2C, h, w]`. */
  readonly moments: Tensor;
  /** Means, also the mode, `[B, C, h, w]`. */
  readonly mean: Tensor;
  /** Logarithms of the variances, kept within [-30, 20], `[B, C, h, w]`. */
  readonly logvar: Tensor;

  /**
   * Splits the encoder's output.
   *
   * @param moments Means before logarithms of variances, `[B, 2C, h, w]`.
   */
  constructor(moments: Tensor) {
    const [mean, logvar] = moments.chunk(2, 1);
    this.moments = moments;
    this.mean = mean;
    this.logvar = logvar.clamp(-30, 20);
  }

  /** Standard deviations, `[B, C, h, w]`. */
  get std(): Tensor {
    return this.logvar.mul(0.5).exp();
  }

  /**
   * Draws latents.
   *
   * @param noise Standard normal, `[B, C, h, w]`, or a random key (two words) to draw it from.
   * @returns `mean + std noise`, `[B, C, h, w]`, differentiable in the moments.
   */
  sample(noise: Tensor): Tensor {
    const eps = noise.ndim === 1 ? randn(noise, [...this.mean.shape]) : noise;
    return this.mean.add(this.std.mul(eps));
  }
}
