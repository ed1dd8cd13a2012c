/** The kinds of beta schedule, with diffusers' names. */
export type BetaSchedule = "linear" | "scaled_linear" | "squaredcos_cap_v2";

/**
 * The betas of a discrete diffusion, in float64.
 *
 * - `linear`: linspace(start, end, n) (Ho et al. 2020, PixArt-alpha);
 * - `scaled_linear`: linspace(√start, √end, n)² (latent diffusion, SD 1.5);
 * - `squaredcos_cap_v2`: from ᾱ(u) = cos²((u + 0.008) / 1.008 · π/2), capped
 *   at 0.999 (Nichol and Dhariwal 2021, eq. 17); start and end are unused.
 *
 * @param kind Which schedule.
 * @param n Number of timesteps.
 * @param start The first beta.
 * @param end The last beta.
 * @returns `n` betas.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { makeBetas } from "@dipp/scores";
 *
 * assertAlmostEquals(makeBetas("scaled_linear", 1000, 0.00085, 0.012)[999], 0.012);
 * ```
 */
export function makeBetas(
  kind: BetaSchedule,
  n: number,
  start: number,
  end: number,
): Float64Array {
  switch (kind) {
    case "linear":
      return linspace(start, end, n);
    case "scaled_linear":
      return linspace(Math.sqrt(start), Math.sqrt(end), n).map((b) => b * b);
    case "squaredcos_cap_v2": {
      const alphaBar = (u: number) => Math.cos((u + 0.008) / 1.008 * Math.PI / 2) ** 2;
      return Float64Array.from(
        { length: n },
        (_, i) => Math.min(1 - alphaBar((i + 1) / n) / alphaBar(i / n), 0.999),
      );
    }
    default:
      throw new TypeError(
        `Unknown beta schedule "${kind}", expected "linear", "scaled_linear" or "squaredcos_cap_v2"`,
      );
  }
}

/**
 * `n` evenly spaced numbers from `start` to `end`, both included.
 *
 * @param start The first number.
 * @param end The last number.
 * @param n How many.
 * @returns The numbers, in float64.
 */
export function linspace(start: number, end: number, n: number): Float64Array {
  const step = n > 1 ? (end - start) / (n - 1) : 0;
  return Float64Array.from({ length: n }, (_, i) => start + i * step);
}
