/** What the code of elementary functions is made of: polynomials, constants of four lanes, instructions on pairs of f64. */
import { type Code, f32, f32x4, i32, i32x4 } from "./instructions.ts";
import { multiplyAdd } from "./gemm.ts";
import { unsigned } from "./leb128.ts";

/** Four copies of a float. */
export const splat = (value: number): Code => f32x4.splat(f32.const(value));
/** Four copies of an integer. */
export const splatInteger = (value: number): Code => i32x4.splat(i32.const(value));

/** c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule; `x` is evaluated once for each power. */
export function polynomial(relaxed: boolean, x: Code, coefficients: readonly number[]): Code {
  return coefficients.slice(0, -1).reduceRight<Code>(
    (sum, c) => multiplyAdd(relaxed, sum, x, splat(c)),
    splat(coefficients[coefficients.length - 1]),
  );
}

const simd = (opcode: number): Code => [0xfd, unsigned(opcode)];
const unary = (opcode: number) => (x: Code): Code => [x, simd(opcode)];
const binary = (opcode: number) => (x: Code, y: Code): Code => [x, y, simd(opcode)];

/** Two lanes of f64, for what f32 is too coarse for. */
export const f64x2 = {
  /** Two copies of a double. */
  const: (value: number): Code => [0x44, [...new Uint8Array(Float64Array.of(value).buffer)], simd(20)],
  add: binary(240),
  sub: binary(241),
  mul: binary(242),
  div: binary(243),
  /** y < x ? y : x. */
  pmin: binary(246),
  /** x < y ? y : x. */
  pmax: binary(247),
  /** Lanes 0 and 1 of four f32. */
  promoteLow: unary(95),
  /** As f32 in lanes 0 and 1, zero in the others. */
  demote: unary(94),
  /** Lanes 0 and 1 of four i32. */
  convertLow: unary(254),
} as const satisfies Record<string, unknown>;

/** Byte numbers of a shuffle of 32-bit words: 0 to 3 of the first vector, 4 to 7 of the second. */
export const words = (...numbers: readonly number[]): number[] =>
  numbers.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte));

/** Lanes 2 and 3 in the place of lanes 0 and 1. */
export const UPPER: readonly number[] = words(2, 3, 2, 3);
/** Lanes 0 and 1 of each of two vectors. */
export const BOTH: readonly number[] = words(0, 1, 4, 5);
/** The lower halves of the doubles of two vectors. */
export const LOWER_WORDS: readonly number[] = words(0, 2, 4, 6);
