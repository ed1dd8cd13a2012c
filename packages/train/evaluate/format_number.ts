/** Numbers as reports print them. */

/** A typographic minus: as wide as a plus, and no line breaks after it. */
const MINUS = "\u2212";

/** What stands for a number that there is not. */
const NONE = "\u2013";

/**
 * A number with four digits that count.
 *
 * @param value The number.
 * @returns Its text; a dash where there is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { number } from "./format_number.ts";
 *
 * assertEquals([1234.5, 12.345, -0.5, 0.00012, null].map(number), ["1235", "12.35", "−0.500", "1.2e−4", "–"]);
 * ```
 */
export function number(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential(1).replaceAll("-", MINUS);
  return fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

/** A number and its uncertainty, to the digits that the uncertainty leaves standing. */
export interface Rounded {
  /** The number. */
  readonly value: string;
  /** Its uncertainty; empty where there is none. */
  readonly error: string;
}

/**
 * Rounds a number so that its standard error keeps two digits.
 *
 * @param value The number.
 * @param stderr Its standard error, where there is one.
 * @returns Both as text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rounded } from "./format_number.ts";
 *
 * assertEquals(rounded(42.0123, 1.6123), { value: "42.0", error: "1.6" });
 * assertEquals(rounded(-0.0028, 0.00082), { value: "−0.00280", error: "0.00082" });
 * assertEquals(rounded(0.5, null), { value: "0.500", error: "" });
 * ```
 */
export function rounded(value: number | null, stderr: number | null): Rounded {
  if (value === null || stderr === null || !(stderr > 1e-6)) return { value: number(value), error: "" };
  const digits = digitsFor(stderr);
  return { value: fixed(value, digits), error: fixed(stderr, digits) };
}

/**
 * A difference with its interval, signs on all of them.
 *
 * @param difference The difference.
 * @param low Lower end of its interval.
 * @param high Upper end.
 * @returns Their texts, rounded alike; the ends are empty where there is no interval.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { signed } from "./format_number.ts";
 *
 * assertEquals(signed(-0.1234, -0.31, 0.06), { difference: "−0.123", low: "−0.310", high: "+0.060" });
 * ```
 */
export function signed(
  difference: number | null,
  low: number | null,
  high: number | null,
): { difference: string; low: string; high: string } {
  const plus = (text: string) => /^\d/.test(text) && /[1-9]/.test(text) ? `+${text}` : text;
  if (difference === null || low === null || high === null || !(high - low > 4e-6)) {
    return { difference: plus(number(difference)), low: "", high: "" };
  }
  // An interval of 95 % is about four standard errors wide
  const digits = digitsFor((high - low) / 4);
  const [d, l, h] = [difference, low, high].map((x) => plus(fixed(x, digits)));
  return { difference: d, low: l, high: h };
}

function digitsFor(stderr: number): number {
  return Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(stderr))));
}

function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  // No minus before nothing but zeros
  return /[1-9]/.test(text) ? text.replace("-", MINUS) : text.replace("-", "");
}
