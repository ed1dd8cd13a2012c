/** What a failed assertion throws. @module */

/**
 * The error of a failed assertion.
 *
 * @example Usage
 * ```ts
 * import { AssertionError } from "@std/assert";
 *
 * const error = new AssertionError("Values are not equal");
 * ```
 */
export class AssertionError extends Error {
  /** Builds the error from its message and, if any, its cause. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Joins an assertion's own words and the caller's `msg`. */
export function withMessage(text: string, msg: string | undefined): string {
  return msg ? `${text}: ${msg}` : text;
}

/** A short printable form of any value, for the messages. */
export function show(value: unknown): string {
  return Deno.inspect(value, { depth: 6, iterableLimit: 40, sorted: true });
}
