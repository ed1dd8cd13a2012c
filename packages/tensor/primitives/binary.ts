/** Elementwise functions of two tensors of one shape: WGSL, cost and derivatives, one entry each. */
import type { InlinePrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

type Pair = readonly [Tensor | null, Tensor | null];

interface Binary {
  wgsl: (x: string, y: string) => string;
  cost: number;
  vjp?: (g: Tensor, x: Tensor, y: Tensor, out: Tensor) => Pair;
  helper?: string;
  bool?: boolean;
}

// WGSL leaves pow of a negative base undefined; integer exponents are meaningful all the same
const POW = `fn dipp_pow(x: f32, y: f32) -> f32 {
  let p = pow(abs(x), y);
  let odd = y == floor(y) && (i32(y) & 1) == 1;
  return select(select(p, -p, x < 0.0 && odd), 1.0, y == 0.0);
}`;

const half = (a: Tensor, b: Tensor) => a.eq(b).cast("f32").mul(0.5);

/** The binary table. */
export const BINARY = {
  add: { wgsl: (x, y) => `(${x} + ${y})`, cost: 1, vjp: (g) => [g, g] },
  sub: { wgsl: (x, y) => `(${x} - ${y})`, cost: 1, vjp: (g) => [g, g.neg()] },
  mul: {
    wgsl: (x, y) => `(${x} * ${y})`,
    cost: 1,
    vjp: (g, x, y) => [g.mul(y), g.mul(x)],
  },
  div: {
    wgsl: (x, y) => `(${x} / ${y})`,
    cost: 3,
    vjp: (g, _, y, out) => [g.div(y), g.mul(out).div(y).neg()],
  },
  pow: {
    wgsl: (x, y) => `dipp_pow(${x}, ${y})`,
    cost: 16,
    helper: POW,
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
    wgsl: (x, y) => `max(${x}, ${y})`,
    cost: 1,
    vjp: (g, x, y) => {
      const share = x.gt(y).cast("f32").add(half(x, y));
      return [g.mul(share), g.mul(share.neg().add(1))];
    },
  },
  minimum: {
    wgsl: (x, y) => `min(${x}, ${y})`,
    cost: 1,
    vjp: (g, x, y) => {
      const share = x.lt(y).cast("f32").add(half(x, y));
      return [g.mul(share), g.mul(share.neg().add(1))];
    },
  },
  eq: { wgsl: (x, y) => `(${x} == ${y})`, cost: 1, bool: true },
  ne: { wgsl: (x, y) => `(${x} != ${y})`, cost: 1, bool: true },
  lt: { wgsl: (x, y) => `(${x} < ${y})`, cost: 1, bool: true },
  le: { wgsl: (x, y) => `(${x} <= ${y})`, cost: 1, bool: true },
  gt: { wgsl: (x, y) => `(${x} > ${y})`, cost: 1, bool: true },
  ge: { wgsl: (x, y) => `(${x} >= ${y})`, cost: 1, bool: true },
  logicalAnd: { wgsl: (x, y) => `(${x} && ${y})`, cost: 1, bool: true },
  logicalOr: { wgsl: (x, y) => `(${x} || ${y})`, cost: 1, bool: true },
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
    emit(emitter, _node, coords) {
      if (op.helper) emitter.helper(op.helper);
      return op.wgsl(emitter.value(x, coords), emitter.value(y, coords));
    },
  };
}
