/** Exponential and logarithm of four lanes of f32. */
import { type Code, f32x4, i32, i32x4, v128 } from "./instructions.ts";
import { multiplyAdd } from "./gemm.ts";
import type { WasmFunction } from "./function.ts";
import { polynomial, splat, splatInteger } from "./math_code.ts";

/** 1.5 * 2^23: a float of small size added to it leaves its nearest integer in the last bits. */
const ROUNDER = 1.5 * 2 ** 23;
/** ln 2 in two parts, the first of ten bits, so that its product with an exponent is exact. */
const LN2_HIGH = 355 / 512;
const LN2_LOW = Math.LN2 - LN2_HIGH;
/** The least argument whose exponential is a normal number, and the largest whose exponential is finite. */
const LEAST = -87.33654022216797;
const LARGEST = 88.72283172607422;
/** (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2, to 3e-9 of e^r (weighted minimax). */
const EXP = [0.5000000095125477, 0.16666518897873905, 0.04166620599828186, 0.008368882321385343, 0.0013950477958989578];

/**
 * Writes e^x of an argument, in code of its own rather than a call: 1 ulp; what would be denormal is zero.
 *
 * @param f The function that the code will be part of; gets three variables, which all uses share.
 * @param relaxed Whether there is relaxed SIMD.
 * @param constant Code of four copies of a float, which a loop may want to have made before it.
 * @returns Code of the exponential, given code of its argument.
 */
export function exponential(
  f: WasmFunction,
  relaxed: boolean,
  constant: (value: number) => Code = splat,
): (x: Code) => Code {
  const [x, n, r] = f.locals("v128", 3);
  const madd = (a: Code, b: Code, c: Code) => multiplyAdd(relaxed, a, b, c);
  return (argument) => [
    x.set(argument),
    n.set(madd(x.get, constant(Math.LOG2E), constant(ROUNDER))),
    r.set(f32x4.sub(n.get, constant(ROUNDER))),
    r.set(madd(r.get, constant(-LN2_LOW), madd(r.get, constant(-LN2_HIGH), x.get))),
    // Twice the mantissa and one less in the exponent: 2^128 itself would not be a number
    r.set(
      madd(
        EXP.slice(0, -1).reduceRight<Code>(
          (sum, c) => madd(sum, r.get, constant(c)),
          constant(EXP[EXP.length - 1]),
        ),
        f32x4.mul(f32x4.add(r.get, r.get), r.get),
        madd(r.get, constant(2), constant(2)),
      ),
    ),
    r.set(i32x4.add(r.get, i32x4.shl(i32x4.sub(n.get, splatInteger(1)), i32.const(23)))),
    r.set(v128.and(r.get, f32x4.ge(x.get, constant(LEAST)))),
    // NaN fails every comparison, so the sum of argument and infinity is right for both
    v128.bitselect(
      r.get,
      v128.bitselect(constant(0), f32x4.add(x.get, constant(Infinity)), f32x4.lt(x.get, constant(LEAST))),
      f32x4.le(x.get, constant(LARGEST)),
    ),
  ];
}

/** Code of an exponential that reads its constants from variables. */
export interface PreparedExponential {
  /** Sets the variables; before the loop. */
  readonly constants: Code;
  /** e^x. */
  exp(x: Code): Code;
}

/**
 * Writes e^x for loops over arguments that are not above 88: shorter than `exponential`, and without constants to make at
 * each turn. 1 ulp; what would be denormal is zero; NaN stays.
 */
export function boundedExponential(f: WasmFunction, relaxed: boolean): PreparedExponential {
  const [x, n, r] = f.locals("v128", 3);
  const values = [Math.LOG2E, ROUNDER, -LN2_HIGH, -LN2_LOW, 1, LEAST, ...EXP];
  const constants = f.locals("v128", values.length);
  const [log2e, rounder, high, low, one, least, ...coefficients] = constants.map((c) => c.get);
  const madd = (a: Code, b: Code, c: Code) => multiplyAdd(relaxed, a, b, c);
  return {
    constants: constants.map((c, i) => c.set(splat(values[i]))),
    exp: (argument) => [
      x.set(argument),
      n.set(madd(x.get, log2e, rounder)),
      r.set(f32x4.sub(n.get, rounder)),
      r.set(madd(r.get, low, madd(r.get, high, x.get))),
      n.set(i32x4.shl(i32x4.add(n.get, splatInteger(127)), i32.const(23))),
      v128.andnot(
        f32x4.mul(
          madd(
            coefficients.slice(0, -1).reduceRight<Code>((sum, c) => madd(sum, r.get, c), coefficients[4]),
            f32x4.mul(r.get, r.get),
            f32x4.add(r.get, one),
          ),
          n.get,
        ),
        f32x4.lt(x.get, least),
      ),
    ],
  };
}

/** Bits of sqrt(1/2), the least mantissa. */
const HALF_ROOT = 0x3f3504f3;
/** The least normal number. */
const NORMAL = 2 ** -126;
/** (log(1 + f) - f + f^2 / 2) / f^3 for 1 + f in [sqrt(1/2), sqrt(2)), to 8e-10 of log(1 + f) (weighted minimax). */
const LOG = [
  0.33333312604061205,
  -0.25000009599489414,
  0.2000211865912978,
  -0.16667995852688589,
  0.14219552351999434,
  -0.12405588903023881,
  0.11888162295272355,
  -0.11675652030414219,
  0.06746640803336011,
];

/**
 * Code that takes a positive x apart: x = (1 + f) 2^e with 1 + f in [sqrt(1/2), sqrt(2)); f is exact. Denormal numbers
 * too; nothing sensible for others.
 *
 * @param f The function that the code will be part of.
 * @param x Code of x, evaluated three times.
 * @returns The code, f in [f32] and e in [i32].
 */
export function split(f: WasmFunction, x: Code): { code: Code; fraction: Code; exponent: Code } {
  const [small, bits, exponent] = f.locals("v128", 3);
  return {
    code: [
      small.set(f32x4.lt(x, splat(NORMAL))),
      bits.set(v128.bitselect(f32x4.mul(x, splat(2 ** 23)), x, small.get)),
      bits.set(i32x4.sub(bits.get, splatInteger(HALF_ROOT))),
      exponent.set(
        i32x4.sub(i32x4.shrS(bits.get, i32.const(23)), v128.and(small.get, splatInteger(23))),
      ),
      bits.set(
        f32x4.sub(
          i32x4.add(v128.and(bits.get, splatInteger(0x7fffff)), splatInteger(HALF_ROOT)),
          splat(1),
        ),
      ),
    ],
    fraction: bits.get,
    exponent: exponent.get,
  };
}

/** The logarithm of `x` where it is 0, negative, infinite or NaN: -inf, NaN, inf, NaN; anything elsewhere. */
export function specialLogarithm(x: Code): Code {
  return f32x4.sub(f32x4.sqrt(x), v128.and(f32x4.eq(x, splat(0)), splat(Infinity)));
}

/** The mask of the lanes whose logarithm is a finite number. */
export function isPositive(x: Code): Code {
  return v128.and(f32x4.gt(x, splat(0)), f32x4.lt(x, splat(Infinity)));
}

/** Writes log x: 1 ulp. */
export function logarithm(f: WasmFunction, relaxed: boolean, x: Code): Code {
  const { code, fraction, exponent } = split(f, x);
  const [e, square, y] = f.locals("v128", 3);
  const madd = (a: Code, b: Code, c: Code) => multiplyAdd(relaxed, a, b, c);
  return [
    code,
    e.set(f32x4.convertI32x4S(exponent)),
    square.set(f32x4.mul(fraction, fraction)),
    y.set(f32x4.mul(polynomial(relaxed, fraction, LOG), f32x4.mul(square.get, fraction))),
    y.set(madd(e.get, splat(LN2_LOW), y.get)),
    y.set(madd(square.get, splat(-0.5), y.get)),
    v128.bitselect(
      madd(e.get, splat(LN2_HIGH), f32x4.add(fraction, y.get)),
      specialLogarithm(x),
      isPositive(x),
    ),
  ];
}
