/** Elementwise functions of one tensor: WGSL, cost and derivative, one entry each. */
import type { InlinePrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

interface Unary {
  wgsl: (x: string) => string;
  cost: number;
  /** Derivative times the incoming gradient; absent where it is zero almost everywhere. */
  vjp?: (g: Tensor, y: Tensor, x: Tensor) => Tensor;
  helper?: string;
  /** Result is a truth value. */
  bool?: boolean;
}

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

// Abramowitz & Stegun 7.1.26 is too coarse for f32; this is a degree-6 fit in t with exp(-x^2), error below 2e-7
// (Numerical Recipes' erfc Chebyshev form), exact odd series near zero.
const ERF = `fn dipp_erf(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.5) {
    let z = x * x;
    return x * (1.1283791670955126 + z * (-0.37612638903183754 + z * (0.11283791670955126 + z * (-0.026866170645131252
      + z * (0.005223977625442188 + z * (-0.0008548327023450852 + z * 0.00012055332981789664))))));
  }
  let t = 1.0 / (1.0 + 0.5 * a);
  let p = t * exp(-a * a - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
    + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))));
  return select(p - 1.0, 1.0 - p, x >= 0.0);
}`;

// The driver's tanh overflows for large arguments; its expm1 form loses digits near zero
const TANH = `fn dipp_tanh(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.35) {
    let z = x * x;
    return x * (1.0 + z * (-0.33333333333 + z * (0.13333333333 + z * (-0.053968253968 + z * (0.021869488536
      + z * (-0.0088632355299 + z * 0.0035921280366))))));
  }
  let y = 1.0 - 2.0 / (exp(2.0 * min(a, 20.0)) + 1.0);
  return select(-y, y, x >= 0.0);
}`;

const SOFTPLUS = `fn dipp_softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  // log1p, accurate for small e
  let l = select(log(1.0 + e), e * (1.0 - e * (0.5 - e * 0.33333333333)), e < 1e-3);
  return max(x, 0.0) + l;
}`;

/** The unary table. */
export const UNARY = {
  neg: { wgsl: (x) => `(-${x})`, cost: 1, vjp: (g) => g.neg() },
  abs: { wgsl: (x) => `abs(${x})`, cost: 1, vjp: (g, _, x) => g.mul(x.sign()) },
  sign: { wgsl: (x) => `sign(${x})`, cost: 1 },
  floor: { wgsl: (x) => `floor(${x})`, cost: 1 },
  ceil: { wgsl: (x) => `ceil(${x})`, cost: 1 },
  round: { wgsl: (x) => `round(${x})`, cost: 1 },
  exp: { wgsl: (x) => `exp(${x})`, cost: 8, vjp: (g, y) => g.mul(y) },
  log: { wgsl: (x) => `log(${x})`, cost: 8, vjp: (g, _, x) => g.div(x) },
  sqrt: {
    wgsl: (x) => `sqrt(${x})`,
    cost: 4,
    vjp: (g, y) => g.mul(0.5).div(y),
  },
  rsqrt: {
    wgsl: (x) => `inverseSqrt(${x})`,
    cost: 4,
    vjp: (g, y) => g.mul(y.mul(y).mul(y)).mul(-0.5),
  },
  square: {
    wgsl: (x) => `(${x} * ${x})`,
    cost: 1,
    vjp: (g, _, x) => g.mul(x).mul(2),
  },
  reciprocal: {
    wgsl: (x) => `(1.0 / ${x})`,
    cost: 3,
    vjp: (g, y) => g.mul(y.mul(y)).neg(),
  },
  sin: { wgsl: (x) => `sin(${x})`, cost: 8, vjp: (g, _, x) => g.mul(x.cos()) },
  cos: {
    wgsl: (x) => `cos(${x})`,
    cost: 8,
    vjp: (g, _, x) => g.mul(x.sin()).neg(),
  },
  tanh: {
    wgsl: (x) => `dipp_tanh(${x})`,
    cost: 10,
    helper: TANH,
    vjp: (g, y) => g.mul(y.mul(y).neg().add(1)),
  },
  sigmoid: {
    wgsl: (x) => `(1.0 / (1.0 + exp(-${x})))`,
    cost: 8,
    vjp: (g, y) => g.mul(y).mul(y.neg().add(1)),
  },
  silu: {
    wgsl: (x) => `(${x} / (1.0 + exp(-${x})))`,
    cost: 8,
    vjp: (g, _, x) => {
      const s = x.sigmoid();
      return g.mul(s.mul(x.mul(s.neg().add(1)).add(1)));
    },
  },
  relu: {
    wgsl: (x) => `max(${x}, 0.0)`,
    cost: 1,
    vjp: (g, _, x) => g.mul(x.gt(0).cast("f32")),
  },
  softplus: {
    wgsl: (x) => `dipp_softplus(${x})`,
    cost: 16,
    helper: SOFTPLUS,
    vjp: (g, _, x) => g.mul(x.sigmoid()),
  },
  erf: {
    wgsl: (x) => `dipp_erf(${x})`,
    cost: 12,
    helper: ERF,
    vjp: (g, _, x) => g.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI)),
  },
  gelu: {
    wgsl: (x) => `(0.5 * ${x} * (1.0 + dipp_erf(${x} * ${Math.SQRT1_2})))`,
    cost: 14,
    helper: ERF,
    vjp: (g, _, x) => {
      const cdf = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
      const density = x.square().mul(-0.5).exp().mul(
        1 / Math.sqrt(2 * Math.PI),
      );
      return g.mul(cdf.add(x.mul(density)));
    },
  },
  geluTanh: {
    wgsl: (x) => `(0.5 * ${x} * (1.0 + dipp_tanh(${SQRT_2_OVER_PI} * (${x} + 0.044715 * ${x} * ${x} * ${x}))))`,
    cost: 14,
    helper: TANH,
    vjp: (g, _, x) => {
      const t = x.square().mul(0.044715).add(1).mul(x).mul(SQRT_2_OVER_PI)
        .tanh();
      const inner = x.square().mul(3 * 0.044715).add(1).mul(SQRT_2_OVER_PI);
      return g.mul(
        t.add(1).add(x.mul(t.square().neg().add(1)).mul(inner)).mul(0.5),
      );
    },
  },
  // Compilers may assume that NaN and Inf do not occur, so only the bits tell
  isFinite: {
    wgsl: (x) => `((bitcast<u32>(${x}) & 0x7f800000u) != 0x7f800000u)`,
    cost: 1,
    bool: true,
  },
  isNaN: {
    wgsl: (x) => `((bitcast<u32>(${x}) & 0x7fffffffu) > 0x7f800000u)`,
    cost: 1,
    bool: true,
  },
  logicalNot: { wgsl: (x) => `(!${x})`, cost: 1, bool: true },
} satisfies Record<string, Unary>;

/** Names of the unary operations. */
export type UnaryName = keyof typeof UNARY;

/** The primitive that applies a unary operation to `input`. */
export function unary(name: UnaryName, input: Tensor): InlinePrimitive {
  const op: Unary = UNARY[name];
  return {
    kind: "inline",
    name,
    cost: op.cost,
    ...(op.vjp && { vjp: (g: Tensor, y: Tensor) => [op.vjp!(g, y, input)] }),
    emit(emitter, _node, coords) {
      if (op.helper) emitter.helper(op.helper);
      return op.wgsl(emitter.value(input, coords));
    },
  };
}
