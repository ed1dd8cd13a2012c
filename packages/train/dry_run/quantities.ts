/** Amounts of memory and of work, as people write them. */
import { ConfigError } from "../config/config_error.ts";

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const RATES: Readonly<Record<string, number>> = { MFLOP: 1e6, GFLOP: 1e9, TFLOP: 1e12, PFLOP: 1e15 };

/**
 * Reads an amount of memory.
 *
 * @param option The option, for the error.
 * @param text For instance `80GiB`.
 * @returns Bytes.
 * @throws {ConfigError} If it is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseBytes, parseRate } from "./quantities.ts";
 *
 * assertEquals(parseBytes("--memory", "80GiB"), 80 * 2 ** 30);
 * assertEquals(parseRate("--rate", "1.5 TFLOP/s"), 1.5e12);
 * ```
 */
export function parseBytes(option: string, text: string): number {
  return parse(option, text, BYTES, "", "an amount like 80GiB or 24GB");
}

/**
 * Reads a rate of floating-point operations.
 *
 * @param option The option, for the error.
 * @param text For instance `30TFLOP/s`.
 * @returns Operations a second.
 * @throws {ConfigError} If it is none.
 */
export function parseRate(option: string, text: string): number {
  return parse(option, text, RATES, "/s", "a rate like 30TFLOP/s or 50GFLOP/s");
}

function parse(
  option: string,
  text: string,
  units: Readonly<Record<string, number>>,
  suffix: string,
  expected: string,
): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)(?:\/s)?$/.exec(text) ?? [];
  const isWhole = text.endsWith("/s") === (suffix !== "");
  const value = isWhole && unit !== undefined && Object.hasOwn(units, unit) ? Number(number) * units[unit] : 0;
  if (value > 0) return value;
  throw new ConfigError(`${option} is ${text}, expected ${expected}`);
}

/** Bytes in the unit that suits them. */
export function showBytes(bytes: number): string {
  return scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
}

/** A count, or operations, with the prefix of a power of 1000. */
export function showCount(count: number): string {
  return scaled(count, 1000, ["", "k", "M", "G", "T", "P"]).trim();
}

function scaled(n: number, base: number, units: readonly string[]): string {
  const i = n < base ? 0 : Math.min(units.length - 1, Math.floor(Math.log(n) / Math.log(base)));
  const value = n / base ** i;
  return `${i === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[i]}`;
}
