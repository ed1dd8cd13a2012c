import { type FeatureRows, requireRows, squaredDistance } from "./feature_rows.ts";

/** How two sets of features cover each other. */
export interface PrecisionRecall {
  /** Share of generated images that lie among the real ones. */
  readonly precision: number;
  /** Share of real images that lie among the generated ones. */
  readonly recall: number;
  /** Precision that counts how many real neighbourhoods hold a generated image; may exceed 1. */
  readonly density: number;
  /** Share of real images whose neighbourhood holds a generated one. */
  readonly coverage: number;
}

/**
 * Distance from each row to its k-th nearest other row.
 *
 * @param rows features
 * @param k which neighbour, from 1
 * @returns one radius for each row
 */
export function neighbourRadii(rows: FeatureRows, k: number): Float64Array {
  requireRows("neighbourRadii", k + 1, rows);
  return Float64Array.from(rows, (row, i) => {
    const squares = rows.filter((_, j) => j !== i).map((other) => squaredDistance(row, other));
    return Math.sqrt(squares.sort((a, b) => a - b)[k - 1]);
  });
}

/**
 * Improved precision and recall (Kynkaanniemi et al. 2019, section 2) and density and coverage (Naeem et al. 2020,
 * equations 4 and 5). A set's neighbourhoods are balls around its rows that reach to their k-th nearest other row; on
 * the border is outside.
 *
 * @param real features of real images
 * @param fake features of generated images
 * @param k size of the neighbourhoods: 3 for precision and recall, 5 for density and coverage in the papers
 * @returns the four numbers
 * @throws {RangeError} when a set has no more than k rows, or dimensions differ
 *
 * @example A generator that knows one of two modes
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { precisionRecall } from "@dipp/metrics";
 *
 * const real = [[0], [0.1], [9], [9.1]];
 * const { precision, recall } = precisionRecall(real, [[0.02], [0.05], [0.12]], 1);
 * assertEquals([precision, recall], [1, 0.5]);
 * ```
 */
export function precisionRecall(real: FeatureRows, fake: FeatureRows, k = 5): PrecisionRecall {
  requireRows("precisionRecall", k + 1, real, fake);
  const [realRadii, fakeRadii] = [neighbourRadii(real, k), neighbourRadii(fake, k)];
  const distances = real.map((r) => fake.map((f) => Math.sqrt(squaredDistance(r, f))));
  const share = (flags: boolean[]) => flags.filter(Boolean).length / flags.length;
  const holding = fake.map((_, j) => real.filter((_, i) => distances[i][j] < realRadii[i]).length);
  return {
    precision: share(holding.map((n) => n > 0)),
    recall: share(distances.map((row) => row.some((d, j) => d < fakeRadii[j]))),
    density: holding.reduce((a, b) => a + b, 0) / (k * fake.length),
    coverage: share(distances.map((row, i) => row.reduce((a, b) => Math.min(a, b)) < realRadii[i])),
  };
}
