/** Sine and cosine of four lanes of f32. */
import { type Code, f32x4, i32, i32x4, v128 } from "./instructions.ts";
import type { WasmFunction } from "./function.ts";
import { multiplyAdd } from "./gemm.ts";
import { BOTH, f64x2, LOWER_WORDS, polynomial, splat, splatInteger, UPPER } from "./math_code.ts";

/** 1.5 * 2^52: a double of small size added to it leaves its nearest integer in the last bits. */
const ROUNDER = 1.5 * 2 ** 52;
/** (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2 / 2) / r^4 in powers of r^2, |r| <= pi / 4 (minimax). */
const SIN = [-0.16666654943692508, 0.008332178145735305, -0.00019517298937305957];
const COS = [0.041666646865900034, -0.0013887367493134108, 2.44384493228168e-05];

/**
 * Writes sin(x + quarter * pi / 2): 1 ulp, or 1e-10 near its zeros, up to |x| of 1e4, slowly more beyond.
 *
 * The multiple of pi / 2 is taken off in double precision, where one product and one difference are enough.
 */
export function sine(f: WasmFunction, relaxed: boolean, x: Code, quarter: 0 | 1): Code {
  const [r, turns, z, s, c, half, count] = f.locals("v128", 7);
  const reduce = (part: Code): Code => [
    half.set(f64x2.promoteLow(part)),
    count.set(f64x2.add(f64x2.mul(half.get, f64x2.const(2 / Math.PI)), f64x2.const(ROUNDER))),
    half.set(f64x2.sub(
      half.get,
      f64x2.mul(f64x2.sub(count.get, f64x2.const(ROUNDER)), f64x2.const(Math.PI / 2)),
    )),
  ];
  return [
    reduce(x),
    r.set(f64x2.demote(half.get)),
    turns.set(count.get),
    reduce(v128.shuffle(x, x, UPPER)),
    r.set(v128.shuffle(r.get, f64x2.demote(half.get), BOTH)),
    turns.set(
      i32x4.add(v128.shuffle(turns.get, count.get, LOWER_WORDS), splatInteger(quarter)),
    ),
    // Past the range of the reduction anything between -1 and 1 is as good; NaN stays
    r.set(f32x4.max(f32x4.min(r.get, splat(1)), splat(-1))),
    z.set(f32x4.mul(r.get, r.get)),
    s.set(multiplyAdd(relaxed, polynomial(relaxed, z.get, SIN), f32x4.mul(z.get, r.get), r.get)),
    c.set(multiplyAdd(
      relaxed,
      polynomial(relaxed, z.get, COS),
      f32x4.mul(z.get, z.get),
      multiplyAdd(relaxed, z.get, splat(-0.5), splat(1)),
    )),
    v128.xor(
      v128.bitselect(s.get, c.get, i32x4.eq(v128.and(turns.get, splatInteger(1)), splatInteger(0))),
      i32x4.shl(v128.and(turns.get, splatInteger(2)), i32.const(30)),
    ),
  ];
}
