/** Powers of four lanes of f32. */
import { type Code, f32x4, i32, i32x4, v128 } from "./instructions.ts";
import type { WasmFunction } from "./function.ts";
import { BOTH, f64x2, LOWER_WORDS, polynomial, splat, splatInteger, UPPER } from "./math_code.ts";
import { isPositive, specialLogarithm, split } from "./math_exponential.ts";

const ROUNDER = 1.5 * 2 ** 52;
/** Exponents beyond which every power of two is infinite or zero. */
const BEYOND = 300;
/** log2((1 + s) / (1 - s)) / s in powers of s^2, |s| <= 0.1716 (minimax, to 2e-11). */
const LOG2 = [2.885390081790146, 0.9617966732774396, 0.5770835958300465, 0.41167213206639214, 0.3407400155827388];
/** (2^r - 1) / r for |r| <= 1/2, to 2e-9 of 2^r (weighted minimax). */
const EXP2 = [
  0.6931472028550828,
  0.240226479136264,
  0.055503324710989954,
  0.009618437357833926,
  0.0013398874422621068,
  0.00015353361886038738,
];

/**
 * Writes x^y for a base that is not negative: 2 ulp. The logarithm and its product with y are taken in double precision,
 * since an error of theirs grows with the result's exponent.
 */
export function power(f: WasmFunction, relaxed: boolean, x: Code, y: Code): Code {
  const { code, fraction, exponent } = split(f, x);
  const [special, isSpecial, half, square, rest, count, restLow, countLow, scale] = f.locals("v128", 9);
  const lanes = (vector: Code, upper: boolean) => upper ? v128.shuffle(vector, vector, UPPER) : vector;
  /** Leaves the exponent of two in its nearest integer, `count`, and what is left, `rest`. */
  const exponents = (upper: boolean): Code => [
    half.set(f64x2.promoteLow(lanes(fraction, upper))),
    half.set(f64x2.div(half.get, f64x2.add(half.get, f64x2.const(2)))),
    square.set(f64x2.mul(half.get, half.get)),
    half.set(f64x2.mul(
      half.get,
      LOG2.slice(0, -1).reduceRight<Code>(
        (sum, c) => f64x2.add(f64x2.mul(sum, square.get), f64x2.const(c)),
        f64x2.const(LOG2[LOG2.length - 1]),
      ),
    )),
    half.set(f64x2.add(half.get, f64x2.convertLow(lanes(exponent, upper)))),
    half.set(v128.bitselect(
      f64x2.promoteLow(lanes(special.get, upper)),
      half.get,
      v128.shuffle(isSpecial.get, isSpecial.get, upper ? WIDEN_UPPER : WIDEN_LOWER),
    )),
    half.set(f64x2.mul(half.get, f64x2.promoteLow(lanes(y, upper)))),
    half.set(f64x2.pmax(f64x2.pmin(half.get, f64x2.const(BEYOND)), f64x2.const(-BEYOND))),
    count.set(f64x2.add(half.get, f64x2.const(ROUNDER))),
    rest.set(f64x2.demote(f64x2.sub(half.get, f64x2.sub(count.get, f64x2.const(ROUNDER))))),
  ];
  const powerOfTwo = (n: Code): Code => i32x4.shl(i32x4.add(n, splatInteger(127)), i32.const(23));
  return [
    special.set(specialLogarithm(x)),
    isSpecial.set(v128.not(isPositive(x))),
    code,
    exponents(false),
    restLow.set(rest.get),
    countLow.set(count.get),
    exponents(true),
    rest.set(v128.shuffle(restLow.get, rest.get, BOTH)),
    count.set(v128.shuffle(countLow.get, count.get, LOWER_WORDS)),
    // In three steps, as 2^300 and 2^-300 are no floats
    scale.set(i32x4.shrS(count.get, i32.const(2))),
    count.set(i32x4.sub(count.get, i32x4.mul(scale.get, splatInteger(3)))),
    scale.set(powerOfTwo(scale.get)),
    rest.set(polynomial(relaxed, rest.get, [1, ...EXP2])),
    rest.set(f32x4.mul(f32x4.mul(rest.get, powerOfTwo(count.get)), scale.get)),
    rest.set(f32x4.mul(f32x4.mul(rest.get, scale.get), scale.get)),
    v128.bitselect(splat(1), rest.get, v128.or(f32x4.eq(y, splat(0)), f32x4.eq(x, splat(1)))),
  ];
}

const twice = (a: number, b: number) => [a, a, b, b].flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte));
/** Masks of lanes 0 and 1, and of lanes 2 and 3, as masks of two doubles. */
const WIDEN_LOWER = twice(0, 1);
const WIDEN_UPPER = twice(2, 3);
