import { dot, type FeatureRows, requireRows, unitRows } from "./feature_rows.ts";
import { symmetricEigen } from "./symmetric_eigen.ts";

/**
 * Vendi score (Friedman and Dieng 2023, definition 3.1; orders: Pasarkar and Dieng 2024): the effective number of
 * different images in a set, exp of the entropy of the eigenvalues of its similarity matrix (cosines) over its size.
 *
 * @param rows features of the images
 * @param order of the entropy: 1 is Shannon's, Infinity looks at the largest eigenvalue only
 * @returns from 1 (all alike) to the number of images (all orthogonal)
 * @throws {RangeError} when there is no row, or the order is negative
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { vendiScore } from "@dipp/metrics";
 *
 * assertAlmostEquals(vendiScore([[1, 0], [0, 2], [3, 0], [0, 4]]), 2);
 * ```
 */
export function vendiScore(rows: FeatureRows, order = 1): number {
  requireRows("vendiScore", 1, rows);
  if (!(order >= 0)) throw new RangeError(`Cannot compute vendiScore of order ${order}: expected 0 or more`);
  const units = unitRows(rows);
  const n = units.length, dim = units[0].length;
  // X X^T and X^T X share their eigenvalues but for zeros: the smaller of the two is enough
  const small = Math.min(n, dim);
  const entry = n <= dim
    ? (i: number, j: number) => dot(units[i], units[j])
    : (i: number, j: number) => units.reduce((sum, row) => sum + row[i] * row[j], 0);
  const matrix = Float64Array.from({ length: small * small }, (_, at) => entry(Math.floor(at / small), at % small) / n);
  const values = symmetricEigen(matrix, small, { vectors: false }).values;
  const noise = values[small - 1] * small * Number.EPSILON;
  const positive = [...values].filter((x) => x > noise);
  if (order === Infinity) return 1 / Math.max(...positive);
  if (order === 1) return Math.exp(-positive.reduce((sum, x) => sum + x * Math.log(x), 0));
  return positive.reduce((sum, x) => sum + x ** order, 0) ** (1 / (1 - order));
}
