/** What {@linkcode GaussianFit} keeps; plain JSON, so it can be cached in a file or sent between workers. */
export interface GaussianFitState {
  /** Number of samples seen. */
  count: number;
  /** Mean, length dim. */
  mean: number[];
  /** Sum of (x - mean)(x - mean)^T, row-major [dim, dim]. */
  scatter: number[];
}

/**
 * Mean and covariance of a stream of feature vectors, in float64 on the host.
 *
 * Batches are merged by the pairwise update of Chan, Golub and LeVeque (1979), so the order and the size of the
 * batches do not matter beyond rounding, and two fits made in two places can be {@linkcode GaussianFit.merge}d.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { GaussianFit } from "@dipp/metrics";
 *
 * const fit = new GaussianFit(2);
 * fit.update([0, 0, 2, 4]); // two samples: (0, 0) and (2, 4)
 * assertEquals([...fit.mean], [1, 2]);
 * assertEquals([...fit.covariance()], [2, 4, 4, 8]); // divided by N - 1
 * ```
 */
export class GaussianFit {
  /** Length of a feature vector. */
  readonly dim: number;
  #count = 0;
  #mean: Float64Array;
  #scatter: Float64Array;

  /** An empty fit of vectors of length `dim`. */
  constructor(dim: number) {
    if (!Number.isInteger(dim) || dim < 1) {
      throw new RangeError(
        `GaussianFit: dim must be a positive integer, got ${dim}`,
      );
    }
    this.dim = dim;
    this.#mean = new Float64Array(dim);
    this.#scatter = new Float64Array(dim * dim);
  }

  /** Number of samples seen. */
  get count(): number {
    return this.#count;
  }

  /** Sample mean, length dim. */
  get mean(): Float64Array {
    return this.#mean;
  }

  /**
   * Adds a batch.
   *
   * @param features row-major `[B, dim]`
   * @throws {RangeError} when the length is no multiple of dim or a value is not finite
   */
  update(features: ArrayLike<number>): void {
    const { dim } = this;
    if (features.length % dim !== 0) {
      throw new RangeError(
        `GaussianFit: ${features.length} numbers are not whole vectors of length ${dim}`,
      );
    }
    const rows = features.length / dim;
    if (rows === 0) return;
    const mean = new Float64Array(dim);
    for (let i = 0; i < features.length; i++) {
      if (!Number.isFinite(features[i])) {
        throw new RangeError(
          `GaussianFit: feature ${i % dim} of sample ${Math.floor(i / dim)} is ${features[i]}`,
        );
      }
      mean[i % dim] += features[i];
    }
    for (let j = 0; j < dim; j++) mean[j] /= rows;
    const scatter = new Float64Array(dim * dim);
    const centred = new Float64Array(dim);
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < dim; j++) {
        centred[j] = features[r * dim + j] - mean[j];
      }
      addOuter(scatter, centred, 1);
    }
    this.#absorb(rows, mean, scatter);
  }

  /** Adds everything that `other` has seen. */
  merge(other: GaussianFit): void {
    if (other.dim !== this.dim) {
      throw new RangeError(
        `GaussianFit: cannot merge dimension ${other.dim} into ${this.dim}`,
      );
    }
    this.#absorb(other.#count, other.#mean, other.#scatter);
  }

  /**
   * Covariance `[dim, dim]`, row-major, divided by N - 1 as torch-fidelity, pytorch-fid and NumPy's `cov` do.
   *
   * @throws {RangeError} with fewer than two samples
   */
  covariance(): Float64Array {
    if (this.#count < 2) {
      throw new RangeError(
        `GaussianFit: a covariance needs at least 2 samples, got ${this.#count}`,
      );
    }
    return this.#scatter.map((x) => x / (this.#count - 1));
  }

  /** A JSON value from which {@linkcode GaussianFit.fromState} restores this fit exactly. */
  state(): GaussianFitState {
    return {
      count: this.#count,
      mean: [...this.#mean],
      scatter: [...this.#scatter],
    };
  }

  /** The fit whose {@linkcode GaussianFit.state} was `state`. */
  static fromState(state: GaussianFitState): GaussianFit {
    const fit = new GaussianFit(state.mean.length);
    if (state.scatter.length !== fit.dim * fit.dim) {
      throw new RangeError(
        `GaussianFit: scatter holds ${state.scatter.length} numbers, expected ${fit.dim * fit.dim}`,
      );
    }
    fit.#count = state.count;
    fit.#mean = Float64Array.from(state.mean);
    fit.#scatter = Float64Array.from(state.scatter);
    return fit;
  }

  #absorb(count: number, mean: Float64Array, scatter: Float64Array): void {
    if (count === 0) return;
    const total = this.#count + count;
    const delta = mean.map((x, j) => x - this.#mean[j]);
    for (let i = 0; i < scatter.length; i++) this.#scatter[i] += scatter[i];
    addOuter(this.#scatter, delta, this.#count * count / total);
    for (let j = 0; j < this.dim; j++) {
      this.#mean[j] += delta[j] * count / total;
    }
    this.#count = total;
  }
}

/** matrix += weight * v v^T */
function addOuter(matrix: Float64Array, v: Float64Array, weight: number): void {
  const n = v.length;
  for (let i = 0; i < n; i++) {
    const vi = weight * v[i];
    if (vi === 0) continue;
    for (let j = 0; j < n; j++) matrix[i * n + j] += vi * v[j];
  }
}
