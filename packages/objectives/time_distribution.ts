import { arange, fold, randint, randn, type Tensor, tensor, uniform } from "@dipp/tensor";
import { z } from "zod";

/**
 * pi(t), the distribution of noise levels, in the units of the schedule's time: timesteps for a discrete (VP)
 * schedule, sigma for EDM.
 *
 * | name | draws |
 * | --- | --- |
 * | `uniform` | integers from `min` to `max`, both included (SiD-LSG: 20 to 979) |
 * | `log_normal` | exp(N(mean, std^2)), limited to `min`, `max` where given (EDM: -1.2, 1.2) |
 * | `karras` | a random point of the grid of `steps` levels from `sigma_max` down to `sigma_min` (Karras et al. 2022, equation 5), from index `first` to `last` (SiD) |
 * | `discrete` | one of `values`, with `probabilities` or evenly |
 */
export type TimeDistribution =
  | { readonly name: "uniform"; readonly min: number; readonly max: number }
  | {
    readonly name: "log_normal";
    readonly mean: number;
    readonly std: number;
    readonly min?: number;
    readonly max?: number;
  }
  | {
    readonly name: "karras";
    readonly sigma_min: number;
    readonly sigma_max: number;
    readonly rho: number;
    readonly steps: number;
    readonly first: number;
    readonly last?: number;
  }
  | { readonly name: "discrete"; readonly values: readonly number[]; readonly probabilities?: readonly number[] };

/** A {@linkcode TimeDistribution} before its defaults are filled in. */
export type TimeDistributionInput =
  | { readonly name: "uniform"; readonly min?: number; readonly max?: number }
  | {
    readonly name: "log_normal";
    readonly mean?: number;
    readonly std?: number;
    readonly min?: number;
    readonly max?: number;
  }
  | {
    readonly name: "karras";
    readonly sigma_min?: number;
    readonly sigma_max?: number;
    readonly rho?: number;
    readonly steps?: number;
    readonly first?: number;
    readonly last?: number;
  }
  | { readonly name: "discrete"; readonly values: readonly number[]; readonly probabilities?: readonly number[] };

/** What a {@linkcode TimeDistributionInput} must look like, and its defaults. */
export const timeDistributionSchema: z.ZodType<TimeDistribution, TimeDistributionInput> = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("uniform"),
    min: z.int().nonnegative().default(20),
    max: z.int().nonnegative().default(979),
  }).refine((d) => d.min <= d.max, { error: "max must not be below min", path: ["max"] }),
  z.strictObject({
    name: z.literal("log_normal"),
    mean: z.number().default(-1.2),
    std: z.number().positive().default(1.2),
    min: z.number().positive().optional(),
    max: z.number().positive().optional(),
  }),
  z.strictObject({
    name: z.literal("karras"),
    sigma_min: z.number().positive().default(0.002),
    sigma_max: z.number().positive().default(80),
    rho: z.number().positive().default(7),
    steps: z.int().min(2).default(1000),
    first: z.int().nonnegative().default(0),
    last: z.int().nonnegative().optional(),
  }).refine((d) => d.first <= (d.last ?? d.steps - 1) && (d.last ?? 0) < d.steps, {
    error: "first <= last < steps must hold",
    path: ["last"],
  }),
  z.strictObject({
    name: z.literal("discrete"),
    values: z.array(z.number()).min(1),
    probabilities: z.array(z.number().nonnegative()).min(1).optional(),
  }).refine((d) => d.probabilities === undefined || d.probabilities.length === d.values.length, {
    error: "there must be one probability a value",
    path: ["probabilities"],
  }).refine((d) => d.probabilities === undefined || d.probabilities.some((p) => p > 0), {
    error: "one probability at least must be positive",
    path: ["probabilities"],
  }),
]);

/**
 * Draws noise levels inside the graph.
 *
 * @param distribution which distribution
 * @param key random key, u32 `[2]`
 * @param batch how many
 * @returns f32 `[batch]`
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { drawTimes, timeDistributionSchema } from "@dipp/objectives";
 * import { key } from "@dipp/tensor";
 *
 * const pi = timeDistributionSchema.parse({ name: "uniform", min: 20, max: 22 });
 * const t = await drawTimes(pi, key(0), 100).data();
 * assert(t.every((x) => x === 20 || x === 21 || x === 22));
 * ```
 */
export function drawTimes(distribution: TimeDistribution, key: Tensor, batch: number): Tensor {
  switch (distribution.name) {
    case "uniform":
      return randint(key, [batch], distribution.min, distribution.max + 1).cast("f32");
    case "log_normal":
      return randn(key, [batch]).mul(distribution.std).add(distribution.mean).exp()
        .clamp(distribution.min, distribution.max);
    case "karras": {
      const { sigma_min, sigma_max, rho, steps, first, last = steps - 1 } = distribution;
      const [low, high] = [sigma_min ** (1 / rho), sigma_max ** (1 / rho)];
      const index = randint(key, [batch], first, last + 1).cast("f32");
      return index.mul((low - high) / (steps - 1)).add(high).pow(rho);
    }
    case "discrete": {
      const { values, probabilities = values.map(() => 1) } = distribution;
      const total = probabilities.reduce((a, b) => a + b);
      let below = 0;
      const edges = probabilities.slice(0, -1).map((p) => (below += p) / total);
      return pick(values, edges, uniform(fold(key, 0), [batch, 1]));
    }
  }
}

/** values[number of edges that u has passed], by a one-hot product. */
function pick(values: readonly number[], edges: readonly number[], u: Tensor): Tensor {
  const n = values.length;
  const index = n === 1 ? u.mul(0) : u.ge(tensor([...edges])).cast("f32").sum(1, true);
  return index.eq(arange(n).reshape([1, n])).cast("f32").mul(tensor([...values])).sum(1);
}
