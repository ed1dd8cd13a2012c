/** Assertions that code throws or rejects. @module */

import { AssertionError, withMessage } from "./assertion_error.ts";

/** A class of errors, abstract ones included. */
export type ErrorClass<E extends Error = Error> = abstract new (
  // deno-lint-ignore no-explicit-any
  ...args: any[]
) => E;

/** Throws unless `error` is of `ErrorClass` and its message includes `msgMatches`. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  // deno-lint-ignore no-explicit-any
  errorClass?: abstract new (...args: any[]) => E,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(
      withMessage(
        `Expected "error" to be an Error object, got ${String(error)}`,
        msg,
      ),
    );
  }
  if (errorClass && !(error instanceof errorClass)) {
    throw new AssertionError(
      withMessage(
        `Expected error to be instance of "${errorClass.name}", but was ` +
          `"${error.constructor.name}" (${error.message})`,
        msg,
      ),
      { cause: error },
    );
  }
  const matches = msgMatches === undefined ||
    (typeof msgMatches === "string" ? error.message.includes(msgMatches) : msgMatches.test(error.message));
  if (!matches) {
    throw new AssertionError(
      withMessage(
        `Expected error message to include ${JSON.stringify(String(msgMatches))}, but got ${
          JSON.stringify(error.message)
        }`,
        msg,
      ),
      { cause: error },
    );
  }
}

/** Throws unless `fn` throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Throws unless `fn` throws an error of that class and message; returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any
  errorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const message = typeof classOrMsg === "string" ? classOrMsg : msg;
  let returned: unknown;
  try {
    returned = fn();
  } catch (error) {
    check(error, classOrMsg, msgIncludes, message);
    return error;
  }
  if (returned instanceof Promise) returned.catch(() => {});
  throw new AssertionError(withMessage("Expected function to throw", message));
}

/** Rejects unless `fn` rejects; resolves to what it rejected with. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Rejects unless `fn` rejects with an error of that class and message. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any
  errorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const message = typeof classOrMsg === "string" ? classOrMsg : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(
      withMessage("Function throws when expected to reject", message),
      { cause: error },
    );
  }
  try {
    await promise;
  } catch (error) {
    check(error, classOrMsg, msgIncludes, message);
    return error;
  }
  throw new AssertionError(
    withMessage("Expected function to reject", message),
  );
}

function check<E extends Error>(
  error: unknown,
  classOrMsg: ErrorClass<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): void {
  if (classOrMsg === undefined || typeof classOrMsg === "string") return;
  assertIsError(error, classOrMsg, msgIncludes, msg);
}
