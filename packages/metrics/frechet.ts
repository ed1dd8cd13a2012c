import type { GaussianFit } from "./gaussian_fit.ts";
import { symmetricEigen } from "./symmetric_eigen.ts";

/** The terms of {@linkcode frechetDistance}. */
export interface FrechetTerms {
  /** The distance: meanTerm + traceA + traceB - 2 traceSqrt, at least 0. */
  distance: number;
  /** |mean_a - mean_b|^2 */
  meanTerm: number;
  /** tr(C_a) */
  traceA: number;
  /** tr(C_b) */
  traceB: number;
  /** tr((C_a C_b)^(1/2)) */
  traceSqrt: number;
}

/**
 * Squared Frechet (2-Wasserstein) distance of two Gaussians, the "FID" when the features are Inception's
 * (Dowson and Landau 1982; Heusel et al. 2017, equation 6):
 *
 *     |m_a - m_b|^2 + tr(C_a) + tr(C_b) - 2 tr((C_a C_b)^(1/2))
 *
 * The last trace is the sum of the square roots of the eigenvalues of C_a^(1/2) C_b C_a^(1/2), a symmetric matrix, so
 * it stays exact with fewer samples than dimensions, where a matrix square root of the product C_a C_b does not.
 *
 * @throws {RangeError} when the dimensions differ or a fit has fewer than two samples
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { frechetDistance, GaussianFit } from "@dipp/metrics";
 *
 * const a = new GaussianFit(1), b = new GaussianFit(1);
 * a.update([-1, 0, 1]); // mean 0, standard deviation 1
 * b.update([1, 3, 5]); // mean 3, standard deviation 2
 * assertAlmostEquals(frechetDistance(a, b).distance, 3 ** 2 + (2 - 1) ** 2);
 * ```
 */
export function frechetDistance(a: GaussianFit, b: GaussianFit): FrechetTerms {
  if (a.dim !== b.dim) {
    throw new RangeError(
      `frechetDistance: the fits have ${a.dim} and ${b.dim} dimensions`,
    );
  }
  const n = a.dim;
  const covarianceA = a.covariance(), covarianceB = b.covariance();
  let meanTerm = 0, traceA = 0, traceB = 0;
  for (let i = 0; i < n; i++) {
    meanTerm += (a.mean[i] - b.mean[i]) ** 2;
    traceA += covarianceA[i * n + i];
    traceB += covarianceB[i * n + i];
  }
  const traceSqrt = traceSqrtProduct(covarianceA, covarianceB, n);
  const distance = Math.max(0, meanTerm + traceA + traceB - 2 * traceSqrt);
  return { distance, meanTerm, traceA, traceB, traceSqrt };
}

/** tr((A B)^(1/2)) of positive semidefinite A, B. */
function traceSqrtProduct(
  a: Float64Array,
  b: Float64Array,
  n: number,
): number {
  const { values, vectors } = symmetricEigen(a, n);
  // With A = V diag(l) V^T, A^(1/2) B A^(1/2) has the eigenvalues of R B R^T, R = diag(l)^(1/2) V^T;
  // rows of R that are zero to rounding are left out, which also makes rank-deficient fits cheap.
  const floor = Math.max(0, values[n - 1]) * n * Number.EPSILON;
  const kept = [...values.keys()].filter((i) => values[i] > floor);
  const r = kept.length;
  const half = new Float64Array(r * n);
  kept.forEach((i, row) => {
    const root = Math.sqrt(values[i]);
    for (let j = 0; j < n; j++) half[row * n + j] = root * vectors[i * n + j];
  });
  const product = multiply(half, b, r, n, n);
  const inner = new Float64Array(r * r);
  for (let i = 0; i < r; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += product[i * n + k] * half[j * n + k];
      inner[i * r + j] = inner[j * r + i] = sum;
    }
  }
  if (r === 0) return 0;
  const { values: squares } = symmetricEigen(inner, r, { vectors: false });
  // The root would blow the rounding error of an eigenvalue that should be zero up from 1e-16 to 1e-8.
  const noise = squares[r - 1] * r * Number.EPSILON;
  return squares.reduce((sum, x) => sum + (x > noise ? Math.sqrt(x) : 0), 0);
}

/** Row-major [rows, inner] x [inner, columns]. */
function multiply(
  x: Float64Array,
  y: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const xik = x[i * inner + k];
      for (let j = 0; j < columns; j++) {
        out[i * columns + j] += xik * y[k * columns + j];
      }
    }
  }
  return out;
}
