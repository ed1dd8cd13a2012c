/**
 * A stand-in for the parts of `@std/assert` that dipp uses, on `node:assert`.
 *
 * The JSR registry is not reachable everywhere dipp is developed, so the
 * workspace's `links` put this module in the place of the real package; the
 * signatures and the semantics are the real package's. Published packages and
 * the continuous integration use the real one.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Float32Array([1, 2]), new Float32Array([1, 2]));
 * ```
 *
 * @module
 */

import { AssertionError } from "./assertion_error.ts";
import { assert } from "./truth.ts";

export { AssertionError };
export { assert };
export { assertExists, assertFalse, assertInstanceOf, fail } from "./truth.ts";
export { unimplemented, unreachable } from "./truth.ts";
export { assertEquals, assertNotEquals, assertNotStrictEquals, assertStrictEquals, equal } from "./equality.ts";
export { assertAlmostEquals, assertGreater, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "./numbers.ts";
export { assertArrayIncludes, assertMatch, assertNotMatch, assertStringIncludes } from "./contents.ts";
export { assertIsError, assertRejects, assertThrows } from "./errors.ts";
