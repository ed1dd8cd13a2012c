/** Assertions on what a string or an array contains. @module */

import { AssertionError, show, withMessage } from "./assertion_error.ts";
import { equal } from "./equality.ts";

/** Throws unless `actual` contains `expected`. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    withMessage(`Expected actual: "${actual}" to contain: "${expected}"`, msg),
  );
}

/** Throws unless `actual` matches the pattern `expected`. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) return;
  throw new AssertionError(
    withMessage(`Expected actual: "${actual}" to match: "${expected}"`, msg),
  );
}

/** Throws when `actual` matches the pattern `expected`. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(
    withMessage(
      `Expected actual: "${actual}" to not match: "${expected}"`,
      msg,
    ),
  );
}

/** Throws unless each element of `expected` deeply equals one of `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const have = Array.from(actual);
  const missing = Array.from(expected).filter((e) => !have.some((a) => equal(a, e)));
  if (missing.length === 0) return;
  throw new AssertionError(
    withMessage(
      `Expected actual: ${show(actual)} to include: ${show(expected)}; ` +
        `missing: ${show(missing)}`,
      msg,
    ),
  );
}
