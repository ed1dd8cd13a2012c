/**
 * What tests of numerical code need: one measure of error, an assertion with
 * it, and finite differences.
 *
 * @module
 */

import { AssertionError } from "@std/assert";

/** A list of numbers; what a tensor's `data()` gives is one. */
export type Numbers = ArrayLike<number>;

/** The largest error between two lists. */
export interface ErrorReport {
  /** The error; infinite where no finite error would do. */
  readonly max: number;
  /** Where it is; -1 if there is nothing to compare. */
  readonly index: number;
}

/** An error of this size counts as 1 against a reference that is all zero. */
const ZERO_SCALE = 0.01;

/**
 * Measures the largest error relative to the expected value, or to the root
 * mean square of all expected values where that is larger:
 *
 *     max_i |a_i - b_i| / max(|b_i|, rms(b))
 *
 * If all expected values are zero it is max_i |a_i| / 0.01. Infinities have to
 * be the same; they do not enter the rms. A NaN on either side is an infinite
 * error, and so is any difference from expected values in an integer array.
 *
 * @param actual What was computed.
 * @param expected What it should be. Its type decides whether to expect
 *   equality (integer typed arrays) or closeness.
 * @returns The error and its index.
 * @throws {RangeError} If the lengths differ.
 *
 * @example Usage
 * ```ts
 * import { relativeError } from "./testing.ts";
 * import { assertEquals } from "@std/assert";
 *
 * // rms([3, 4, 0, 0]) = 2.5
 * const error = relativeError([3, 4, 0.25, 0], [3, 4, 0, 0]);
 * assertEquals(error, { max: 0.1, index: 2 });
 * ```
 */
export function relativeError(
  actual: Numbers,
  expected: Numbers,
): ErrorReport {
  if (actual.length !== expected.length) {
    throw new RangeError(
      `Cannot compare ${actual.length} values with ${expected.length}`,
    );
  }
  const scale = isIntegerArray(expected) ? 0 : rms(expected) || ZERO_SCALE;
  let max = 0;
  let index = expected.length === 0 ? -1 : 0;
  for (let i = 0; i < expected.length; i++) {
    const error = errorOf(actual[i], expected[i], scale);
    if (error > max) [max, index] = [error, i];
  }
  return { max, index };
}

/**
 * Asserts that {@linkcode relativeError} is within a tolerance.
 *
 * @param actual What was computed.
 * @param expected What it should be.
 * @param tolerance The largest error allowed.
 * @param name What is compared, for the message.
 * @throws {AssertionError} If the error is larger, or the lengths differ; the
 *   message shows where and by how much.
 *
 * @example Usage
 * ```ts
 * import { assertClose } from "./testing.ts";
 *
 * assertClose(new Float32Array([0.1, 0.2]), [0.1, 0.2], 1e-6, "weights");
 * ```
 */
export function assertClose(
  actual: Numbers,
  expected: Numbers,
  tolerance: number,
  name: string,
): void {
  if (actual.length !== expected.length) {
    throw new AssertionError(
      `${name} has ${actual.length} values: expected ${expected.length}`,
    );
  }
  const { max, index } = relativeError(actual, expected);
  if (max <= tolerance) return;
  throw new AssertionError(
    `${name} is off by ${max.toExponential(2)}, more than ${tolerance}, at ` +
      `index ${index} of ${expected.length}: got ${actual[index]}, expected ` +
      `${expected[index]}`,
  );
}

/**
 * Differentiates a function by central differences: accurate to about 1e-10 of
 * the scale of f for a smooth f evaluated in double precision.
 *
 * @param f The function.
 * @param x Where to differentiate; not changed.
 * @param step The distance to either side, relative to max(1, |x_i|). The
 *   default, the cube root of the precision, balances truncation and rounding.
 * @returns df/dx_i for every i.
 *
 * @example Usage
 * ```ts
 * import { assertClose, numericalGradient } from "./testing.ts";
 *
 * const gradient = numericalGradient(([x, y]) => x * x * y, [3, 2]);
 * assertClose(gradient, [12, 9], 1e-8, "gradient");
 * ```
 */
export function numericalGradient(
  f: (x: Float64Array) => number,
  x: Numbers,
  step: number = Math.cbrt(Number.EPSILON),
): Float64Array {
  const point = Float64Array.from(x);
  return Float64Array.from(x, (center, i) => {
    const distance = step * Math.max(1, Math.abs(center));
    const [right, left] = [center + distance, center - distance];
    point[i] = right;
    const above = f(point);
    point[i] = left;
    const below = f(point);
    point[i] = center;
    // Not 2 * distance: the points that were evaluated are rounded.
    return (above - below) / (right - left);
  });
}

/** A scale of 0 asks for equality. */
function errorOf(actual: number, expected: number, scale: number): number {
  if (Number.isNaN(actual) || Number.isNaN(expected)) return Infinity;
  if (actual === expected) return 0;
  if (scale === 0 || !Number.isFinite(expected)) return Infinity;
  return Math.abs(actual - expected) / Math.max(Math.abs(expected), scale);
}

function rms(values: Numbers): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    sum += values[i] ** 2;
    count++;
  }
  return Math.sqrt(sum / Math.max(count, 1));
}

function isIntegerArray(values: Numbers): boolean {
  return ArrayBuffer.isView(values) &&
    !(values instanceof Float32Array || values instanceof Float64Array ||
      values instanceof Float16Array);
}
