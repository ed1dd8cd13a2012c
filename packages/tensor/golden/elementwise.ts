// Evaluators of the elementwise ops and of the losses, by the name that the
// reference cases use; the conformance runner looks ops up here.

import * as dipp from "../mod.ts";
import type { Reduction, Tensor } from "../mod.ts";

/** Settings of an op, as the reference cases have them. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Computes an op; undefined where this variant of it does not exist. */
export type Evaluate = (
  inputs: Readonly<Record<string, Tensor>>,
  attrs: Attributes,
) => Tensor | Tensor[] | undefined;

/** Ops of one input, `x`. */
const UNARY: Record<string, (x: Tensor) => Tensor> = {
  abs: (x) => x.abs(),
  ceil: (x) => x.ceil(),
  cos: (x) => x.cos(),
  erf: (x) => x.erf(),
  exp: (x) => x.exp(),
  floor: (x) => x.floor(),
  gelu: (x) => dipp.gelu(x),
  gelu_tanh: (x) => dipp.geluTanh(x),
  log: (x) => x.log(),
  logical_not: (x) => x.logicalNot(),
  mish: (x) => dipp.mish(x),
  neg: (x) => x.neg(),
  quick_gelu: (x) => dipp.quickGelu(x),
  reciprocal: (x) => x.reciprocal(),
  relu: (x) => x.relu(),
  round: (x) => x.round(),
  rsqrt: (x) => x.rsqrt(),
  sigmoid: (x) => x.sigmoid(),
  sign: (x) => x.sign(),
  silu: (x) => x.silu(),
  sin: (x) => x.sin(),
  softplus: (x) => x.softplus(),
  sqrt: (x) => x.sqrt(),
  square: (x) => x.square(),
  tanh: (x) => x.tanh(),
};

/** Ops of two inputs, `x` and `y`. */
const BINARY: Record<string, (x: Tensor, y: Tensor) => Tensor> = {
  add: (x, y) => x.add(y),
  div: (x, y) => x.div(y),
  eq: (x, y) => x.eq(y),
  ge: (x, y) => x.ge(y),
  gt: (x, y) => x.gt(y),
  le: (x, y) => x.le(y),
  logical_and: (x, y) => x.logicalAnd(y),
  logical_or: (x, y) => x.logicalOr(y),
  lt: (x, y) => x.lt(y),
  maximum: (x, y) => x.maximum(y),
  minimum: (x, y) => x.minimum(y),
  mul: (x, y) => x.mul(y),
  ne: (x, y) => x.ne(y),
  pow: (x, y) => x.pow(y),
  sub: (x, y) => x.sub(y),
};

const reduced = (x: Tensor, { reduction }: Attributes): Tensor =>
  reduction === "mean" ? x.mean() : reduction === "sum" ? x.sum() : x;

/** Ops with settings, and losses; some are composed here from others. */
const OTHERS: Record<string, Evaluate> = {
  add_scalar: ({ x }, { value }) => x.add(value as number),
  bce_with_logits: ({ x, y }, { reduction }) => dipp.bceWithLogits(x, y, reduction as Reduction),
  clamp: ({ x }, { min, max }) => x.clamp((min ?? undefined) as number, (max ?? undefined) as number),
  cosine_similarity: ({ x, y }, { dim, eps }) =>
    dipp.l2Normalize(x, dim as number, eps as number)
      .mul(dipp.l2Normalize(y, dim as number, eps as number))
      .sum(dim as number),
  cross_entropy: ({ logits, target }, attrs) =>
    dipp.crossEntropy(logits, target, {
      reduction: attrs.reduction as Reduction,
      labelSmoothing: (attrs.label_smoothing ?? 0) as number,
      ignoreIndex: (attrs.ignore_index ?? -100) as number,
    }),
  geglu: ({ x }) => {
    const half = x.shape[x.ndim - 1] / 2;
    const [a, b] = dipp.split(x, [half, half], -1);
    return a.mul(dipp.gelu(b));
  },
  huber_loss: ({ x, y }, attrs) => {
    const delta = attrs.delta as number;
    const d = x.sub(y).abs();
    const linear = d.sub(delta / 2).mul(delta);
    return reduced(d.square().div(2).where(d.le(delta), linear), attrs);
  },
  kl_normal: ({ mu, logvar }) => mu.square().add(logvar.exp()).sub(1).sub(logvar).mul(0.5).flatten(1).sum(1),
  l1_loss: ({ x, y }, attrs) => reduced(x.sub(y).abs(), attrs),
  l2_normalize: ({ x }, { dim, eps }) => dipp.l2Normalize(x, dim as number, eps as number),
  leaky_relu: ({ x }, { slope }) => dipp.leakyRelu(x, slope as number),
  mse_loss: ({ x, y }, { reduction }) => dipp.mseLoss(x, y, reduction as Reduction),
  mul_scalar: ({ x }, { value }) => x.mul(value as number),
  nll_from_log_probs: ({ logp, target }) => dipp.gather(logp, 1, target.unsqueeze(1)).neg().mean(),
  pow_scalar: ({ x }, { exponent }) => x.pow(exponent as number),
  pseudo_huber: ({ x, y }, attrs) => {
    const c = attrs.c as number;
    return x.sub(y).square().flatten(1).sum(1).add(c * c).sqrt().sub(c);
  },
  rdiv_scalar: ({ x }, { value }) => x.reciprocal().mul(value as number),
  rsub_scalar: ({ x }, { value }) => x.neg().add(value as number),
  smooth_l1_loss: ({ x, y }, attrs) => {
    const beta = attrs.beta as number;
    const d = x.sub(y).abs();
    const square = d.square().div(2 * beta);
    return reduced(square.where(d.lt(beta), d.sub(beta / 2)), attrs);
  },
  where: ({ cond, x, y }) => dipp.where(cond, x, y),
};

/** All of them, by name. */
export const ELEMENTWISE: Record<string, Evaluate> = {
  ...Object.fromEntries(
    Object.entries(UNARY).map(([name, op]) => [name, ({ x }) => op(x)]),
  ),
  ...Object.fromEntries(
    Object.entries(BINARY).map(([name, op]) => [name, ({ x, y }) => op(x, y)]),
  ),
  ...OTHERS,
} as Record<string, Evaluate>;
