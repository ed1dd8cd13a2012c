import { type FeatureRows, requireRows, squaredDistance, unitRows } from "./feature_rows.ts";

/** Settings of {@linkcode cmmd}; the paper's by default. */
export interface CmmdOptions {
  /** Width of the Gaussian kernel. */
  readonly sigma?: number;
  /** Factor on the result. */
  readonly scale?: number;
}

/**
 * CLIP maximum mean discrepancy (Jayasumana et al. 2024, "Rethinking FID", section 4; google-research/cmmd): the biased
 * estimate of the squared discrepancy of unit vectors with a Gaussian kernel, times 1000.
 *
 * @param real CLIP embeddings of real images
 * @param fake CLIP embeddings of generated images
 * @param options kernel and scale
 * @returns the discrepancy, at least 0
 * @throws {RangeError} when a set is empty, or dimensions differ
 *
 * @example Equal sets
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cmmd } from "@dipp/metrics";
 *
 * assertEquals(cmmd([[1, 0], [0, 1]], [[2, 0], [0, 3]]), 0);
 * ```
 */
export function cmmd(real: FeatureRows, fake: FeatureRows, { sigma = 10, scale = 1000 }: CmmdOptions = {}): number {
  requireRows("cmmd", 1, real, fake);
  const [x, y] = [unitRows(real), unitRows(fake)];
  // Kernels are close to one, and the result is a small difference of their means: 1 - k keeps its digits
  const mean = (a: FeatureRows, b: FeatureRows): number => {
    let sum = 0;
    for (const p of a) for (const q of b) sum -= Math.expm1(-squaredDistance(p, q) / (2 * sigma * sigma));
    return sum / (a.length * b.length);
  };
  return Math.max(0, scale * (2 * mean(x, y) - mean(x, x) - mean(y, y)));
}
