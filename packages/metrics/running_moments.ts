/** What {@linkcode RunningMoments} keeps. */
export interface RunningMomentsState {
  /** Number of values. */
  count: number;
  /** Their mean. */
  mean: number;
  /** Sum of squared deviations from the mean. */
  squares: number;
}

/**
 * Mean, standard deviation and standard error of a stream of numbers, in float64 (Welford 1962), mergeable.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RunningMoments } from "@dipp/metrics";
 *
 * const m = new RunningMoments();
 * for (const x of [1, 2, 3]) m.push(x);
 * assertEquals([m.mean, m.std, m.count], [2, 1, 3]);
 * ```
 */
export class RunningMoments {
  #count = 0;
  #mean = 0;
  #squares = 0;

  /** Adds one value. Throws a RangeError when it is not finite. */
  push(x: number): void {
    if (!Number.isFinite(x)) {
      throw new RangeError(`RunningMoments: value ${this.#count} is ${x}`);
    }
    this.#count++;
    const delta = x - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (x - this.#mean);
  }

  /** Adds everything behind `state`. */
  merge(state: RunningMomentsState): void {
    if (state.count === 0) return;
    const total = this.#count + state.count;
    const delta = state.mean - this.#mean;
    this.#squares += state.squares +
      delta * delta * this.#count * state.count / total;
    this.#mean += delta * state.count / total;
    this.#count = total;
  }

  /** Number of values. */
  get count(): number {
    return this.#count;
  }

  /** Mean; NaN when empty. */
  get mean(): number {
    return this.#count === 0 ? NaN : this.#mean;
  }

  /** Sample standard deviation (divided by N - 1); NaN with fewer than two values. */
  get std(): number {
    return this.#count < 2 ? NaN : Math.sqrt(this.#squares / (this.#count - 1));
  }

  /** Standard error of the mean; NaN with fewer than two values. */
  get stderr(): number {
    return this.std / Math.sqrt(this.#count);
  }

  /** A JSON value that {@linkcode RunningMoments.merge} takes. */
  state(): RunningMomentsState {
    return { count: this.#count, mean: this.#mean, squares: this.#squares };
  }
}
