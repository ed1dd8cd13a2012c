/** Assertions on a single value: truth, presence, class. @module */

import { AssertionError, show, withMessage } from "./assertion_error.ts";

/** Throws unless `expr` is truthy; narrows the type of what was asserted. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Throws unless `expr` is falsy. */
export function assertFalse(
  expr: unknown,
  msg?: string,
): asserts expr is false | 0 | "" | null | undefined {
  if (expr) {
    throw new AssertionError(
      withMessage(`Expected a falsy value, got ${show(expr)}`, msg),
    );
  }
}

/** Throws when `actual` is `null` or `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    throw new AssertionError(
      withMessage(
        `Expected actual: "${actual}" to not be null or undefined`,
        msg,
      ),
    );
  }
}

/** Any class, as `assertInstanceOf` and the error assertions take it. */
// deno-lint-ignore no-explicit-any
export type AnyConstructor = new (...args: any[]) => any;

/** Throws unless `actual` is an instance of `expectedType`. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  const got = actual === null
    ? "null"
    : typeof actual === "object"
    ? actual?.constructor?.name ?? "Object"
    : typeof actual;
  throw new AssertionError(
    withMessage(
      `Expected object to be an instance of "${expectedType.name}" but was "${got}"`,
      msg,
    ),
  );
}

/** Always throws. */
export function fail(msg?: string): never {
  throw new AssertionError(withMessage("Failed assertion", msg));
}

/** Throws: the code that calls it is not written yet. */
export function unimplemented(msg?: string): never {
  throw new AssertionError(withMessage("Unimplemented", msg));
}

/** Throws: the code that calls it cannot be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError(withMessage("Unreachable", msg));
}
