/** Assertions on the equality of two values, deep and strict. @module */

import { isDeepStrictEqual } from "node:util";
import { AssertionError, show, withMessage } from "./assertion_error.ts";

/**
 * Deep equality by value: own properties, arrays, typed arrays, maps, sets,
 * dates; `NaN` equals `NaN`, and, as in the real package, 0 equals -0.
 */
export function equal(a: unknown, b: unknown): boolean {
  if (isDeepStrictEqual(a, b)) return true;
  return isDeepStrictEqual(unsigned(a), unsigned(b));
}

// `node:util` tells -0 from 0 and the real package does not: compare copies
// that have no -0 in them, made only when the first comparison failed.
function unsigned(value: unknown): unknown {
  if (typeof value === "number") return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(unsigned);
  if (
    value instanceof Float32Array || value instanceof Float64Array ||
    value instanceof Float16Array
  ) {
    return value.map((x) => x === 0 ? 0 : x);
  }
  if (value !== null && typeof value === "object") {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      const copy: Record<string, unknown> = {};
      for (const [k, v] of Object.entries(value)) copy[k] = unsigned(v);
      return copy;
    }
  }
  return value;
}

/** Throws unless `actual` deeply equals `expected`. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `${withMessage("Values are not equal", msg)}\n` +
      `    actual:   ${show(actual)}\n    expected: ${show(expected)}`,
  );
}

/** Throws when `actual` deeply equals `expected`. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    withMessage(
      `Expected actual: ${show(actual)} not to be: ${show(expected)}`,
      msg,
    ),
  );
}

/** Throws unless `Object.is(actual, expected)`; narrows the type. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw new AssertionError(
    `${withMessage("Values are not strictly equal", msg)}\n` +
      `    actual:   ${show(actual)}\n    expected: ${show(expected)}`,
  );
}

/** Throws when `Object.is(actual, expected)`. */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(
    withMessage(
      `Expected "actual" to not be strictly equal to: ${show(actual)}`,
      msg,
    ),
  );
}
