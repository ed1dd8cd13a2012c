/** Elementwise functions of one tensor: their expression, cost and derivative, one entry each. */
import type { Emitter, InlinePrimitive } from "../primitive.ts";
import type { Expression, Operation } from "../schedule/expression.ts";
import { ERF, SOFTPLUS, TANH } from "../schedule/functions.ts";
import type { Tensor } from "../tensor.ts";

interface Unary {
  of: (x: Expression, e: Emitter) => Expression;
  cost: number;
  /** Derivative times the incoming gradient; absent where it is zero almost everywhere. */
  vjp?: (g: Tensor, y: Tensor, x: Tensor) => Tensor;
  /** Result is a truth value. */
  bool?: boolean;
}

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

const plain = (op: Operation) => (x: Expression) => x.apply(op);

/** The unary table. */
export const UNARY = {
  neg: { of: plain("neg"), cost: 1, vjp: (g) => g.neg() },
  abs: { of: plain("abs"), cost: 1, vjp: (g, _, x) => g.mul(x.sign()) },
  sign: { of: plain("sign"), cost: 1 },
  floor: { of: plain("floor"), cost: 1 },
  ceil: { of: plain("ceil"), cost: 1 },
  round: { of: plain("round"), cost: 1 },
  exp: { of: plain("exp"), cost: 8, vjp: (g, y) => g.mul(y) },
  log: { of: plain("log"), cost: 8, vjp: (g, _, x) => g.div(x) },
  sqrt: {
    of: plain("sqrt"),
    cost: 4,
    vjp: (g, y) => g.mul(0.5).div(y),
  },
  rsqrt: {
    of: plain("inverseSqrt"),
    cost: 4,
    vjp: (g, y) => g.mul(y.mul(y).mul(y)).mul(-0.5),
  },
  square: {
    of: (x) => x.mul(x),
    cost: 1,
    vjp: (g, _, x) => g.mul(x).mul(2),
  },
  reciprocal: {
    of: (x) => x.reciprocal(),
    cost: 3,
    vjp: (g, y) => g.mul(y.mul(y)).neg(),
  },
  sin: { of: plain("sin"), cost: 8, vjp: (g, _, x) => g.mul(x.cos()) },
  cos: {
    of: plain("cos"),
    cost: 8,
    vjp: (g, _, x) => g.mul(x.sin()).neg(),
  },
  tanh: {
    of: (x, e) => e.call(TANH, [x]),
    cost: 10,
    vjp: (g, y) => g.mul(y.mul(y).neg().add(1)),
  },
  sigmoid: {
    of: (x) => x.neg().exp().add(1).reciprocal(),
    cost: 8,
    vjp: (g, y) => g.mul(y).mul(y.neg().add(1)),
  },
  silu: {
    of: (x) => x.div(x.neg().exp().add(1)),
    cost: 8,
    vjp: (g, _, x) => {
      const s = x.sigmoid();
      return g.mul(s.mul(x.mul(s.neg().add(1)).add(1)));
    },
  },
  relu: {
    of: (x) => x.apply("max", 0),
    cost: 1,
    vjp: (g, _, x) => g.mul(x.gt(0).cast("f32")),
  },
  softplus: {
    of: (x, e) => e.call(SOFTPLUS, [x]),
    cost: 16,
    vjp: (g, _, x) => g.mul(x.sigmoid()),
  },
  erf: {
    of: (x, e) => e.call(ERF, [x]),
    cost: 12,
    vjp: (g, _, x) => g.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI)),
  },
  gelu: {
    of: (x, e) => x.mul(0.5).mul(e.call(ERF, [x.mul(Math.SQRT1_2)]).add(1)),
    cost: 14,
    vjp: (g, _, x) => {
      const cdf = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
      const density = x.square().mul(-0.5).exp().mul(
        1 / Math.sqrt(2 * Math.PI),
      );
      return g.mul(cdf.add(x.mul(density)));
    },
  },
  // 1 + tanh(u) = 2 sigmoid(2u), which takes one exponential
  geluTanh: {
    of: (x) => x.div(x.mul(x).mul(0.044715).add(1).mul(x).mul(-2 * SQRT_2_OVER_PI).exp().add(1)),
    cost: 12,
    vjp: (g, _, x) => {
      const square = x.square();
      const s = square.mul(0.044715).add(1).mul(x).mul(2 * SQRT_2_OVER_PI).sigmoid();
      const inner = square.mul(3 * 0.044715).add(1).mul(2 * SQRT_2_OVER_PI);
      return g.mul(s.add(s.mul(s.neg().add(1)).mul(x).mul(inner)));
    },
  },
  // Compilers may assume that NaN and Inf do not occur, so only the bits tell
  isFinite: {
    of: (x) => x.bitcast("u32").and(0x7f800000).apply("ne", 0x7f800000),
    cost: 1,
    bool: true,
  },
  isNaN: {
    of: (x) => x.bitcast("u32").and(0x7fffffff).apply("gt", 0x7f800000),
    cost: 1,
    bool: true,
  },
  logicalNot: { of: plain("not"), cost: 1, bool: true },
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
    emit: (emitter, _node, coords) => op.of(emitter.value(input, coords), emitter),
  };
}
