import { dot, type FeatureRows, requireRows } from "./feature_rows.ts";

/**
 * Kernel inception distance (Binkowski et al. 2018, section 4): the unbiased estimate of the squared maximum mean
 * discrepancy with the kernel (x.y / d + 1)^3. Reported values are means over random subsets (100 of 1000 each in the
 * paper's code): call it with the rows of each.
 *
 * @param real features of real images
 * @param fake features of generated images
 * @returns the distance; it may be slightly negative
 * @throws {RangeError} when a set has fewer than two rows, or dimensions differ
 *
 * @example Sets far apart
 * ```ts
 * import { assert } from "@std/assert";
 * import { kernelInceptionDistance } from "@dipp/metrics";
 *
 * assert(kernelInceptionDistance([[0, 0], [0, 1]], [[9, 9], [9, 8]]) > 1000);
 * ```
 */
export function kernelInceptionDistance(real: FeatureRows, fake: FeatureRows): number {
  requireRows("kernelInceptionDistance", 2, real, fake);
  const kernel = (a: ArrayLike<number>, b: ArrayLike<number>) => (dot(a, b) / a.length + 1) ** 3;
  const within = (rows: FeatureRows): number => {
    let sum = 0;
    rows.forEach((row, i) => rows.slice(0, i).forEach((other) => sum += 2 * kernel(row, other)));
    return sum / (rows.length * (rows.length - 1));
  };
  const across = real.reduce((sum, a) => sum + fake.reduce((s, b) => s + kernel(a, b), 0), 0);
  return within(real) + within(fake) - 2 * across / (real.length * fake.length);
}
