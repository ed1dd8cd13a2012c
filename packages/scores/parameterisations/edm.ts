import type { Tensor } from "@dipp/tensor";
import { perSample } from "../broadcast.ts";
import { noiseLevel } from "../conversions.ts";
import { EDMSchedule } from "../schedules/edm.ts";
import type { NetworkFn, ScoreModel } from "../types.ts";
import { meanChannels, predictionFromX0 } from "./prediction.ts";

/** The factors of EDM preconditioning, each shaped like sigma. */
export interface EDMPreconditioning {
  /** Weight of the noisy image in the denoised one. */
  readonly cSkip: Tensor;
  /** Weight of the network's output in the denoised image. */
  readonly cOut: Tensor;
  /** Scale of the network's input. */
  readonly cIn: Tensor;
  /** What the network is told of the noise level. */
  readonly cNoise: Tensor;
}

/**
 * The preconditioning of Karras et al. 2022 (table 1): with s = sigma and
 * d = sigmaData, `cSkip = d²/(s²+d²)`, `cOut = s d/√(s²+d²)`,
 * `cIn = 1/√(s²+d²)`, `cNoise = ln(s)/4`.
 *
 * @param sigma Noise levels.
 * @param sigmaData Standard deviation of the data.
 * @returns The four factors.
 */
export function edmPreconditioning(
  sigma: Tensor,
  sigmaData = 0.5,
): EDMPreconditioning {
  const total = sigma.square().add(sigmaData ** 2);
  const cIn = total.rsqrt();
  return {
    cSkip: total.reciprocal().mul(sigmaData ** 2),
    cOut: sigma.mul(sigmaData).mul(cIn),
    cIn,
    cNoise: sigma.log().div(4),
  };
}

/**
 * The weight that makes EDM's loss on the denoised image unit-variance for the
 * network: `(s² + d²) / (s d)²` (Karras et al. 2022, table 1).
 *
 * @param sigma Noise levels.
 * @param sigmaData Standard deviation of the data.
 * @returns Weights, shaped like `sigma`.
 */
export function edmLossWeight(sigma: Tensor, sigmaData = 0.5): Tensor {
  return sigma.square().add(sigmaData ** 2).div(
    sigma.mul(sigmaData).square(),
  );
}

/**
 * A network under EDM preconditioning as a score model:
 * `D(x; s) = cSkip x + cOut F(cIn x, cNoise)` (Karras et al. 2022, eq. 7).
 *
 * @param network The network F.
 * @param options `sigmaData`, the standard deviation of the data (0.5), and the
 *   schedule when its sampling range is not the default one.
 * @returns The score model; its time is sigma.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { full, ones } from "@dipp/tensor";
 * import { edmModel } from "@dipp/scores";
 *
 * // A network that says nothing leaves the skip connection.
 * const model = edmModel((x) => x.mul(0), { sigmaData: 1 });
 * const { x0 } = model.predict(ones([1, 1, 1, 1]), full([1], 1), {});
 * assertEquals(await x0.data(), new Float32Array([0.5]));
 * ```
 */
export function edmModel(
  network: NetworkFn,
  options: { sigmaData?: number; schedule?: EDMSchedule } = {},
): ScoreModel {
  const { sigmaData = 0.5, schedule = new EDMSchedule() } = options;
  return {
    schedule,
    predict(xt, t, cond) {
      const { cSkip, cOut, cIn, cNoise } = edmPreconditioning(t, sigmaData);
      const output = network(xt.mul(perSample(cIn, xt)), cNoise, cond);
      const x0 = xt.mul(perSample(cSkip, xt)).add(
        meanChannels(output, xt).mul(perSample(cOut, xt)),
      );
      return predictionFromX0(xt, x0, noiseLevel(schedule, t));
    },
  };
}
