/** Options of {@linkcode symmetricEigen}. */
export interface SymmetricEigenOptions {
  /** Compute the eigenvectors too (default true); without them it costs a third. */
  readonly vectors?: boolean;
}

/** An eigendecomposition `A = sum_i values[i] v_i v_i^T`. */
export interface SymmetricEigen {
  /** Eigenvalues, ascending. */
  readonly values: Float64Array;
  /** Unit eigenvectors, row `i` (length n) belongs to `values[i]`; empty when not asked for. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues (and eigenvectors) of a real symmetric matrix in float64.
 *
 * Householder reduction to tridiagonal form, then the implicitly shifted QL iteration (Golub and Van Loan,
 * Matrix Computations, 8.3). Accurate to a few ulps of the largest eigenvalue, which is what a Frechet distance
 * of rank-deficient covariances needs.
 *
 * @param matrix row-major `[n, n]`; only symmetric matrices give a meaningful answer. It is not modified.
 * @param n the side of the matrix
 * @throws {RangeError} when `matrix` does not hold n * n finite numbers
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { symmetricEigen } from "@dipp/metrics";
 *
 * const { values } = symmetricEigen(new Float64Array([2, 1, 1, 2]), 2);
 * assertAlmostEquals(values[0], 1);
 * assertAlmostEquals(values[1], 3);
 * ```
 */
export function symmetricEigen(
  matrix: Float64Array,
  n: number,
  options: SymmetricEigenOptions = {},
): SymmetricEigen {
  if (matrix.length !== n * n) {
    throw new RangeError(
      `symmetricEigen: expected ${n} * ${n} = ${n * n} numbers, got ${matrix.length}`,
    );
  }
  for (const x of matrix) {
    if (!Number.isFinite(x)) {
      throw new RangeError(`symmetricEigen: the matrix holds ${x}`);
    }
  }
  const wanted = options.vectors ?? true;
  const a = Float64Array.from(matrix);
  const { diagonal, offDiagonal, betas } = tridiagonalize(a, n);
  const rows = wanted ? accumulate(a, betas, n) : new Float64Array(0);
  implicitQl(diagonal, offDiagonal, rows, n);
  return sortAscending(diagonal, rows, n);
}

/**
 * Reduces `a` to tridiagonal form in place. Column k keeps its Householder vector below the diagonal
 * (H = I - beta v v^T), so that {@linkcode accumulate} can rebuild the rotation.
 */
function tridiagonalize(
  a: Float64Array,
  n: number,
): { diagonal: Float64Array; offDiagonal: Float64Array; betas: Float64Array } {
  const betas = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k + 1 < n; k++) {
    let largest = 0;
    for (let i = k + 1; i < n; i++) {
      largest = Math.max(largest, Math.abs(a[i * n + k]));
    }
    let below = 0;
    for (let i = k + 2; i < n; i++) below += Math.abs(a[i * n + k]);
    if (below === 0 || largest === 0) {
      offDiagonal[k] = a[(k + 1) * n + k];
      for (let i = k + 1; i < n; i++) a[i * n + k] = 0;
      continue;
    }
    let square = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = a[i * n + k] / largest; // scaled against overflow
      square += v[i] * v[i];
    }
    const length = v[k + 1] >= 0 ? Math.sqrt(square) : -Math.sqrt(square);
    const beta = 1 / (square + length * v[k + 1]);
    v[k + 1] += length;
    offDiagonal[k] = -length * largest;
    betas[k] = beta;
    let vp = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      const row = i * n;
      for (let j = k + 1; j < n; j++) sum += a[row + j] * v[j];
      p[i] = beta * sum;
      vp += v[i] * p[i];
    }
    const half = 0.5 * beta * vp;
    for (let i = k + 1; i < n; i++) p[i] -= half * v[i];
    for (let i = k + 1; i < n; i++) {
      const row = i * n, vi = v[i], pi = p[i];
      for (let j = k + 1; j < n; j++) a[row + j] -= vi * p[j] + pi * v[j];
      a[row + k] = vi;
    }
  }
  const diagonal = new Float64Array(n);
  for (let i = 0; i < n; i++) diagonal[i] = a[i * n + i];
  return { diagonal, offDiagonal, betas };
}

/** Q^T of the reduction: row i is the i-th column of Q = H_0 H_1 ... (rows are contiguous for the QL rotations). */
function accumulate(
  a: Float64Array,
  betas: Float64Array,
  n: number,
): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    const beta = betas[k];
    if (beta === 0) continue;
    // Q <- H_k Q, on Q^T: every row r gets r - beta (r . v) v
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let dot = 0;
      for (let j = k + 1; j < n; j++) dot += q[row + j] * a[j * n + k];
      dot *= beta;
      for (let j = k + 1; j < n; j++) q[row + j] -= dot * a[j * n + k];
    }
  }
  return q;
}

/** QL with implicit shifts on the tridiagonal (d, e); `rows` is rotated along (may be empty). */
function implicitQl(
  d: Float64Array,
  e: Float64Array,
  rows: Float64Array,
  n: number,
): void {
  const scale = d.reduce(
    (m, x, i) => Math.max(m, Math.abs(x) + Math.abs(e[i])),
    0,
  );
  const negligible = Number.EPSILON * scale * 0.5;
  for (let l = 0; l < n; l++) {
    for (let sweep = 0;; sweep++) {
      let m = l;
      while (m + 1 < n && Math.abs(e[m]) > negligible) m++;
      if (m === l) break;
      if (sweep === 60) {
        throw new RangeError("symmetricEigen: the QL iteration did not settle");
      }
      const lead = (d[l + 1] - d[l]) / (2 * e[l]);
      const root = Math.hypot(lead, 1);
      let g = d[m] - d[l] + e[l] / (lead + (lead >= 0 ? root : -root));
      let s = 1, c = 1, p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i], b = c * e[i];
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) { // the block splits here
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const t = (d[i] - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        if (rows.length > 0) rotate(rows, i * n, (i + 1) * n, c, s, n);
      }
      if (i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

/** (x, y) <- (c x - s y, s x + c y) on two rows. */
function rotate(
  rows: Float64Array,
  x: number,
  y: number,
  c: number,
  s: number,
  n: number,
): void {
  for (let k = 0; k < n; k++) {
    const a = rows[x + k], b = rows[y + k];
    rows[x + k] = c * a - s * b;
    rows[y + k] = s * a + c * b;
  }
}

function sortAscending(
  d: Float64Array,
  rows: Float64Array,
  n: number,
): SymmetricEigen {
  const order = Array.from(d.keys()).sort((i, j) => d[i] - d[j]);
  const values = Float64Array.from(order, (i) => d[i]);
  if (rows.length === 0) return { values, vectors: rows };
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => vectors.set(rows.subarray(from * n, (from + 1) * n), to * n));
  return { values, vectors };
}
