/** Functions that kernels call, each defined once for all backends. */
import type { Definition, Expression } from "./expression.ts";

/** c[0] + x (c[1] + x (c[2] + ...)) */
function polynomial(x: Expression, coefficients: readonly number[]): Expression {
  const [last, ...others] = coefficients.toReversed();
  return others.slice(1).reduce((sum, c) => sum.mul(x).add(c), x.mul(last).add(others[0]));
}

function real(name: string, count: number, body: Definition["body"]): Definition {
  return { name, parameters: Array.from({ length: count }, () => "f32" as const), result: "f32", body };
}

/** Error function: Numerical Recipes' Chebyshev form of erfc, below 2e-7 off; its own series near zero. */
export const ERF: Definition = real("erf", 1, (x) => {
  const a = x.abs();
  const series = polynomial(x.mul(x), [
    1.1283791670955126,
    -0.37612638903183754,
    0.11283791670955126,
    -0.026866170645131252,
    0.005223977625442188,
    -0.0008548327023450852,
    0.00012055332981789664,
  ]);
  const t = a.mul(0.5).add(1).reciprocal();
  const exponent = polynomial(t, [
    -1.26551223,
    1.00002368,
    0.37409196,
    0.09678418,
    -0.18628806,
    0.27886807,
    -1.13520398,
    1.48851587,
    -0.82215223,
    0.17087277,
  ]);
  const tail = t.mul(exponent.sub(a.mul(a)).exp());
  const far = x.lt(0).select(tail.sub(1), tail.neg().add(1));
  return a.lt(0.5).select(x.mul(series), far);
});

/** Hyperbolic tangent. Drivers' own overflow for large arguments; the form with e^x loses digits near zero. */
export const TANH: Definition = real("tanh", 1, (x) => {
  const a = x.abs();
  const series = polynomial(x.mul(x), [
    1,
    -0.33333333333,
    0.13333333333,
    -0.053968253968,
    0.021869488536,
    -0.0088632355299,
    0.0035921280366,
  ]);
  const y = a.apply("min", 20).mul(2).exp().add(1).reciprocal().mul(-2).add(1);
  return a.lt(0.35).select(x.mul(series), x.lt(0).select(y.neg(), y));
});

/** log(1 + e^x), accurate where e^-|x| is small. */
export const SOFTPLUS: Definition = real("softplus", 1, (x) => {
  const e = x.abs().neg().exp();
  const small = e.mul(e.mul(e.mul(-0.33333333333).add(0.5)).neg().add(1));
  const log1p = e.lt(1e-3).select(small, e.add(1).apply("log"));
  return x.apply("max", 0).add(log1p);
});

/** Power. The operation leaves negative bases undefined; integer exponents are meaningful all the same. */
export const POW: Definition = real("power", 2, (x, y) => {
  const p = x.abs().apply("pow", y);
  const isOdd = y.eq(y.apply("floor")).and(y.convert("i32").and(1).eq(1));
  return y.eq(0).select(1, x.lt(0).and(isOdd).select(p.neg(), p));
});

/** Bits of an f32 rounded to bf16, to nearest, ties to even, by integer arithmetic: the same on every adapter. */
export const ROUND_BF16: Definition = {
  name: "round_bf16",
  parameters: ["f32"],
  result: "u32",
  body: (x) => {
    const bits = x.bitcast("u32");
    const top = bits.shiftRight(16);
    const isNaN = bits.and(0x7fffffff).apply("gt", 0x7f800000);
    return isNaN.select(top.or(0x40), bits.add(0x7fff).add(top.and(1)).shiftRight(16));
  },
};

/** The same for f16, with infinity beyond its range, which `pack2x16float` leaves open. */
export const ROUND_F16: Definition = {
  name: "round_f16",
  parameters: ["f32"],
  result: "u32",
  body: (x) => {
    const bits = x.bitcast("u32");
    const m = bits.and(0x7fffffff);
    // Below the normal range the addition of one half rounds at the right bit; above it the carry does
    const tiny = m.bitcast("f32").add(0.5).bitcast("u32").sub(0x3f000000);
    const normal = m.sub(0x37fff001).add(m.shiftRight(13).and(1)).shiftRight(13);
    const finite = m.lt(0x38800000).select(tiny, normal);
    const magnitude = m.apply("gt", 0x7f800000).select(0x7e00, m.apply("ge", 0x477ff000).select(0x7c00, finite));
    return bits.shiftRight(16).and(0x8000).or(magnitude);
  },
};
