/** Assertions on the order and the closeness of numbers. @module */

import { AssertionError, show, withMessage } from "./assertion_error.ts";

/**
 * Throws unless `|actual - expected| <= tolerance`. The tolerance is 1e-7 of
 * `expected`'s magnitude when it is not given.
 */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const bound = tolerance ??
    (isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (delta <= bound) return;
  const f = (n: number) => Number.isInteger(n) ? `${n}` : n.toExponential();
  throw new AssertionError(
    withMessage(
      `Expected actual: "${f(actual)}" to be close to "${f(expected)}": ` +
        `delta "${f(delta)}" is greater than "${f(bound)}"`,
      msg,
    ),
  );
}

function order<T>(
  holds: boolean,
  actual: T,
  relation: string,
  expected: T,
  msg: string | undefined,
): void {
  if (holds) return;
  throw new AssertionError(
    withMessage(`Expect ${show(actual)} ${relation} ${show(expected)}`, msg),
  );
}

/** Throws unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  order(actual > expected, actual, ">", expected, msg);
}

/** Throws unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  order(actual >= expected, actual, ">=", expected, msg);
}

/** Throws unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  order(actual < expected, actual, "<", expected, msg);
}

/** Throws unless `actual <= expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  order(actual <= expected, actual, "<=", expected, msg);
}
