/**
 * A stand-in for the part of `@std/cli` that dipp uses: `parseArgs`.
 *
 * The workspace's `links` put it in the place of the real package where the
 * JSR registry is not reachable; published packages use the real one.
 *
 * @example Usage
 * ```ts
 * import { parseArgs } from "@std/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const args = parseArgs(["--steps=3", "a.json"]);
 * assertEquals(args.steps, 3);
 * assertEquals(args._, ["a.json"]);
 * ```
 *
 * @module
 */

export * from "./parse_args.ts";
