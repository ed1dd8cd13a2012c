import type { Tensor } from "@dipp/tensor";
import type { NoiseLevel } from "@dipp/scores";
import { z } from "zod";

/**
 * A weight as a function of the noise level, for w(t) of the generator's loss and lambda(t) of the fake score's.
 *
 * | name | value |
 * | --- | --- |
 * | `constant` | 1 |
 * | `alpha` | alpha; SwiftBrush's for its fake score |
 * | `alpha2` | alpha^2, which is SNR / (SNR + 1) where alpha^2 + sigma^2 = 1; SiD-LSG's for a v-network |
 * | `sigma2` | sigma^2 |
 * | `sigma2_over_alpha` | sigma^2 / alpha |
 * | `sigma2_over_alpha2` | sigma^2 / alpha^2; on a score difference it leaves the plain difference of the denoised images |
 * | `sigma4_over_alpha2` | sigma^4 / alpha^2; on a squared score difference it leaves that of the denoised images |
 * | `snr` | alpha^2 / sigma^2 |
 * | `edm` | (s^2 + sigma_data^2) / (s sigma_data)^2 with s = sigma / alpha (Karras et al. 2022, table 1) |
 *
 * Each is multiplied by `scale`.
 */
export interface NoiseWeight {
  /** Which function. */
  readonly name:
    | "constant"
    | "alpha"
    | "alpha2"
    | "sigma2"
    | "sigma2_over_alpha"
    | "sigma2_over_alpha2"
    | "sigma4_over_alpha2"
    | "snr"
    | "edm";
  /** Constant factor; 1 by default. */
  readonly scale: number;
  /** Standard deviation of the data, used by `edm`; 0.5 by default. */
  readonly sigma_data: number;
}

/** A {@linkcode NoiseWeight} as a configuration may write it: its name, or the object. */
export type NoiseWeightInput =
  | NoiseWeight["name"]
  | { readonly name: NoiseWeight["name"]; readonly scale?: number; readonly sigma_data?: number };

const NAMES: readonly NoiseWeight["name"][] = [
  "constant",
  "alpha",
  "alpha2",
  "sigma2",
  "sigma2_over_alpha",
  "sigma2_over_alpha2",
  "sigma4_over_alpha2",
  "snr",
  "edm",
];

/** What a {@linkcode NoiseWeightInput} must look like; a bare name gets the defaults. */
export const noiseWeightSchema: z.ZodType<NoiseWeight, NoiseWeightInput> = z.preprocess(
  (value) => typeof value === "string" ? { name: value } : value,
  z.strictObject({
    name: z.enum(NAMES),
    scale: z.number().positive().default(1),
    sigma_data: z.number().positive().default(0.5),
  }),
) as unknown as z.ZodType<NoiseWeight, NoiseWeightInput>;

/**
 * Evaluates a weight.
 *
 * @param weight which function
 * @param level alpha and sigma, each `[B]`
 * @returns `[B]`
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { noiseWeight, noiseWeightSchema } from "@dipp/objectives";
 * import { tensor } from "@dipp/tensor";
 *
 * const level = { alpha: tensor([1, 0.5]), sigma: tensor([2, 1]) };
 * const w = noiseWeight(noiseWeightSchema.parse("sigma2_over_alpha2"), level);
 * assertEquals([...await w.data()], [4, 4]);
 * ```
 */
export function noiseWeight(weight: NoiseWeight, { alpha, sigma }: NoiseLevel): Tensor {
  const ratio2 = () => sigma.div(alpha).square();
  const plain = (): Tensor => {
    switch (weight.name) {
      case "constant":
        return sigma.mul(0).add(1);
      case "alpha":
        return alpha;
      case "alpha2":
        return alpha.square();
      case "sigma2":
        return sigma.square();
      case "sigma2_over_alpha":
        return sigma.square().div(alpha);
      case "sigma2_over_alpha2":
        return ratio2();
      case "sigma4_over_alpha2":
        return ratio2().mul(sigma.square());
      case "snr":
        return alpha.div(sigma).square();
      case "edm": {
        const data2 = weight.sigma_data ** 2;
        return ratio2().reciprocal().add(1 / data2);
      }
    }
  };
  return weight.scale === 1 ? plain() : plain().mul(weight.scale);
}
