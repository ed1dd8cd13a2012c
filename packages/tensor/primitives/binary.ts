/** Elementwise functions of two tensors of one shape: their expression, cost and derivatives, one entry each. */
import type { Emitter, InlinePrimitive } from "../primitive.ts";
import type { Expression, Operation } from "../schedule/expression.ts";
import { POW } from "../schedule/functions.ts";
import type { Tensor } from "../tensor.ts";

type Pair = readonly [Tensor | null, Tensor | null];

interface Binary {
  of: (x: Expression, y: Expression, e: Emitter) => Expression;
  cost: number;
  vjp?: (g: Tensor, x: Tensor, y: Tensor, out: Tensor) => Pair;
  bool?: boolean;
}

const plain = (op: Operation) => (x: Expression, y: Expression) => x.apply(op, y);

const half = (a: Tensor, b: Tensor) => a.eq(b).cast("f32").mul(0.5);

/** The binary table. */
export const BINARY = {
  add: { of: plain("add"), cost: 1, vjp: (g) => [g, g] },
  sub: { of: plain("sub"), cost: 1, vjp: (g) => [g, g.neg()] },
  mul: {
    of: plain("mul"),
    cost: 1,
    vjp: (g, x, y) => [g.mul(y), g.mul(x)],
  },
  div: {
    of: plain("div"),
    cost: 3,
    vjp: (g, _, y, out) => [g.div(y), g.mul(out).div(y).neg()],
  },
  pow: {
    of: (x, y, e) => e.call(POW, [x, y]),
    cost: 16,
    vjp: (
      g,
      x,
      y,
      out,
    ) => [
      // At a base of zero the factors may be infinite where their product has a limit
      g.mul(y).mul(x.pow(y.sub(1))).where(y.ne(0), 0),
      g.mul(out).mul(x.log()).where(x.ne(0), 0),
    ],
  },
  maximum: {
    of: plain("max"),
    cost: 1,
    vjp: (g, x, y) => {
      const share = x.gt(y).cast("f32").add(half(x, y));
      return [g.mul(share), g.mul(share.neg().add(1))];
    },
  },
  minimum: {
    of: plain("min"),
    cost: 1,
    vjp: (g, x, y) => {
      const share = x.lt(y).cast("f32").add(half(x, y));
      return [g.mul(share), g.mul(share.neg().add(1))];
    },
  },
  eq: { of: plain("eq"), cost: 1, bool: true },
  ne: { of: plain("ne"), cost: 1, bool: true },
  lt: { of: plain("lt"), cost: 1, bool: true },
  le: { of: plain("le"), cost: 1, bool: true },
  gt: { of: plain("gt"), cost: 1, bool: true },
  ge: { of: plain("ge"), cost: 1, bool: true },
  logicalAnd: { of: plain("and"), cost: 1, bool: true },
  logicalOr: { of: plain("or"), cost: 1, bool: true },
} satisfies Record<string, Binary>;

/** Names of the binary operations. */
export type BinaryName = keyof typeof BINARY;

/** The primitive that applies a binary operation to two tensors of equal shape and dtype. */
export function binary(
  name: BinaryName,
  x: Tensor,
  y: Tensor,
): InlinePrimitive {
  const op: Binary = BINARY[name];
  return {
    kind: "inline",
    name,
    cost: op.cost,
    ...(op.vjp && { vjp: (g: Tensor, out: Tensor) => op.vjp!(g, x, y, out) }),
    emit: (emitter, _node, coords) => op.of(emitter.value(x, coords), emitter.value(y, coords), emitter),
  };
}
