/** The operations that random programs are made of; each keeps values of order one. */
import { isFloat } from "../dtype.ts";
import {
  argmax,
  cat,
  conv2d,
  cumsum,
  einsum,
  gather,
  gelu,
  geluTanh,
  groupNorm,
  indexSelect,
  layerNorm,
  logSoftmax,
  pack,
  scatterAdd,
  softmax,
  stack,
  type Tensor,
  unpack,
  where,
} from "../mod.ts";
import { broadcastShapes, sizeOf } from "../shape.ts";
import type { Draft, OperationStep } from "./program.ts";

/** Draws an operation that takes tensor `at`, or none where it does not apply. */
export type Operation = (at: number, draft: Draft) => Omit<OperationStep, "kind"> | undefined;

const js = (value: unknown) => JSON.stringify(value);

/** An operation on real numbers of one tensor. */
const real =
  (text: string, make: (x: Tensor) => Tensor, applies: (x: Tensor) => boolean = () => true): Operation =>
  (at, { tensors }) => isFloat(tensors[at].dtype) && applies(tensors[at]) ? { text, args: [at], make } : undefined;

/** An operation along one axis. */
const along =
  (text: string, make: (x: Tensor, axis: number) => Tensor, least = 1): Operation => (at, { tensors, dice }) => {
    const x = tensors[at];
    if (!isFloat(x.dtype) || x.ndim === 0 || x.size === 0) return undefined;
    const axis = dice.roll(x.ndim);
    if (x.shape[axis] < least) return undefined;
    return { text: text.replaceAll("AXIS", `${axis}`), args: [at], make: (x) => make(x, axis) };
  };

/** An operation of two tensors that broadcast. */
const pair = (text: string, make: (x: Tensor, y: Tensor) => Tensor): Operation => (at, draft) => {
  const { tensors, dice, leaf } = draft;
  const x = tensors[at];
  const fits = (t: Tensor) => {
    try {
      return isFloat(t.dtype) && sizeOf(broadcastShapes(t.shape, x.shape, "")) <= 1024;
    } catch {
      return false;
    }
  };
  const partners = tensors.flatMap((t, i) => fits(t) ? [i] : []);
  if (!isFloat(x.dtype)) return undefined;
  const other = partners.length > 0 && dice.roll(3) > 0
    ? dice.pick(partners)
    : leaf(x.shape.slice(dice.roll(x.ndim + 1)).map((n) => dice.roll(2) === 0 ? 1 : n));
  return { text, args: [at, other], make };
};

const reduction = (name: "sum" | "prod" | "mean" | "max" | "min" | "var"): Operation => (at, { tensors, dice }) => {
  const x = tensors[at];
  if (x.dtype === "bool" || x.size === 0 && name !== "sum" && name !== "prod") return undefined;
  if ((name === "var" || name === "prod") && !isFloat(x.dtype)) return undefined;
  const axes = x.shape.flatMap((_, i) => dice.roll(2) === 0 ? [i] : []);
  const keep = dice.roll(2) === 0;
  const scale = name === "sum" && isFloat(x.dtype);
  const shrink = 1 / Math.max(1, Math.sqrt(axes.reduce((n, a) => n * x.shape[a], 1)));
  return {
    text: `$0.${name}(${js(axes)}, ${keep})${scale ? `.mul(${shrink})` : ""}`,
    args: [at],
    make: (x) => scale ? x.sum(axes, keep).mul(shrink) : x[name](axes, keep),
  };
};

const view =
  (draw: (x: Tensor, draft: Draft) => [text: string, make: (x: Tensor) => Tensor] | undefined): Operation =>
  (at, draft) => {
    const drawn = draw(draft.tensors[at], draft);
    return drawn && { text: drawn[0], args: [at], make: drawn[1] };
  };

function factors(size: number, { dice }: Draft): number[] {
  const shape: number[] = [];
  for (let rest = size; rest > 1;) {
    const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((d) => d > 1 && rest % d === 0);
    shape.push(dice.pick(divisors));
    rest /= shape[shape.length - 1];
  }
  if (dice.roll(3) === 0) shape.splice(dice.roll(shape.length + 1), 0, 1);
  return size === 0 ? [0] : shape;
}

const VIEWS: Operation[] = [
  view((x, { dice }) => {
    const axes = dice.shuffle(x.shape.map((_, i) => i));
    return [`$0.permute(${js(axes)})`, (x) => x.permute(axes)];
  }),
  view((x, draft) => {
    const shape = factors(x.size, draft);
    return [`$0.reshape(${js(shape)})`, (x) => x.reshape(shape)];
  }),
  view((x, { dice }) => {
    const axes = x.shape.flatMap((_, i) => dice.roll(2) === 0 ? [i] : []);
    return [`$0.flip(${js(axes)})`, (x) => x.flip(axes)];
  }),
  view((x, { dice }) => {
    const ranges = x.shape.map((n) => {
      const start = dice.roll(n);
      return dice.roll(2) === 0 ? null : [start, start + 1 + dice.roll(n - start), 1 + dice.roll(3)] as const;
    });
    return [`$0.slice(${js(ranges)})`, (x) => x.slice(ranges)];
  }),
  view((x, { dice }) => {
    const pads = x.shape.map(() => [dice.roll(3), dice.roll(3)] as const);
    const value = isFloat(x.dtype) ? dice.pick([0, 0.5]) : 0;
    return [`$0.pad(${js(pads)}, ${value})`, (x) => x.pad(pads, value)];
  }),
  view((x, { dice }) => {
    const shape = [...dice.roll(2) === 0 ? [2] : [], ...x.shape.map((n) => n === 1 ? 1 + dice.roll(4) : n)];
    return [`$0.expand(${js(shape)})`, (x) => x.expand(shape)];
  }),
  view((x, { dice }) => {
    if (x.ndim === 0) return undefined;
    const axis = dice.roll(x.ndim), shift = dice.roll(x.shape[axis] + 1);
    const part = (x: Tensor, from: number, to: number) =>
      x.slice(x.shape.map((_, i) => i === axis ? [from, to] : null));
    const rolled = (x: Tensor) => cat([part(x, shift, x.shape[axis]), part(x, 0, shift)], axis);
    return [`roll($0, ${axis}, ${shift})`, rolled];
  }),
];

const CONTRACTIONS: Operation[] = [
  (at, { tensors, dice, leaf }) => {
    const x = tensors[at];
    if (!isFloat(x.dtype) || x.ndim === 0) return undefined;
    const k = x.shape[x.ndim - 1], n = dice.pick([1, 2, 3, 5, 8]);
    const scale = 1 / Math.sqrt(Math.max(1, k));
    return { text: `$0.matmul($1).mul(${scale})`, args: [at, leaf([k, n])], make: (x, y) => x.matmul(y).mul(scale) };
  },
  real("$0.matmul($0.transpose(-1, -2)).mul(0.2)", (x) => x.matmul(x.transpose(-1, -2)).mul(0.2), (x) => x.ndim >= 2),
  (at, { tensors, dice, leaf }) => {
    const x = tensors[at];
    if (!isFloat(x.dtype) || x.ndim < 2 || x.size === 0) return undefined;
    const image = [1, 1, ...x.shape].slice(-4);
    const groups = image[1] % 2 === 0 ? dice.pick([1, 2]) : 1;
    const kernel = [1, 1].map((_, i) => Math.min(dice.pick([1, 2, 3]), image[i + 2] + 2));
    const weight = leaf([groups * dice.pick([1, 2]), image[1] / groups, ...kernel]);
    const options = { padding: 1, stride: [dice.pick([1, 2]), 1] as const, groups };
    const scale = 1 / Math.sqrt(image[1] * kernel[0] * kernel[1]);
    const size = [x.size / sizeOf(image.slice(1)), ...image.slice(1)];
    return {
      text: `conv2d($0.reshape(${js(size)}), $1, ${js(options)}).mul(${scale})`,
      args: [at, weight],
      make: (x, w) => conv2d(x.reshape(size), w, options).mul(scale),
    };
  },
  real("einsum('...i,...i->...', $0, $0)", (x) => einsum("ij,kj->ik", x, x).mul(0.2), (x) => x.ndim === 2),
];

const INDEXING: Operation[] = [
  (at, { tensors, dice, leaf }) => {
    const x = tensors[at];
    if (x.ndim === 0 || x.size === 0 || !isFloat(x.dtype)) return undefined;
    const axis = dice.roll(x.ndim), n = x.shape[axis];
    const shape = x.shape.map((m, i) => i === axis ? 1 + dice.roll(4) : m);
    const index = leaf(shape, "i32", Array.from({ length: sizeOf(shape) }, () => dice.roll(n)));
    if (dice.roll(2) === 0) {
      return {
        text: `gather($0, ${axis}, $1)`,
        args: [at, index],
        make: (x, i) => gather(x, axis, i),
      };
    }
    const source = leaf(shape);
    return {
      text: `scatterAdd($0, ${axis}, $1, $2).mul(0.5)`,
      args: [at, index, source],
      make: (x, i, s) => scatterAdd(x, axis, i, s).mul(0.5),
    };
  },
  (at, { tensors, dice, leaf }) => {
    const x = tensors[at];
    if (x.ndim === 0 || x.size === 0 || !isFloat(x.dtype)) return undefined;
    const axis = dice.roll(x.ndim), length = 1 + dice.roll(4);
    const index = leaf([length], "i32", Array.from({ length }, () => dice.roll(x.shape[axis])));
    return { text: `indexSelect($0, ${axis}, $1)`, args: [at, index], make: (x, i) => indexSelect(x, axis, i) };
  },
  along("argmax($0, AXIS)", (x, axis) => argmax(x, axis)),
  along("cumsum($0, AXIS).mul(0.4)", (x, axis) => cumsum(x, axis).mul(0.4)),
];

/** All operations, the common ones several times. */
export const OPERATIONS: readonly Operation[] = [
  real("$0.tanh()", (x) => x.tanh()),
  real("$0.sigmoid()", (x) => x.sigmoid()),
  real("$0.square().neg().exp()", (x) => x.square().neg().exp()),
  real("$0.abs().add(0.5).log()", (x) => x.abs().add(0.5).log()),
  real("$0.square().add(0.5).sqrt()", (x) => x.square().add(0.5).sqrt()),
  real("$0.square().add(0.5).rsqrt()", (x) => x.square().add(0.5).rsqrt()),
  real("$0.abs().add(0.7).reciprocal()", (x) => x.abs().add(0.7).reciprocal()),
  real("$0.sin()", (x) => x.sin()),
  real("$0.silu()", (x) => x.silu()),
  real("gelu($0)", gelu),
  real("geluTanh($0)", geluTanh),
  real("$0.softplus()", (x) => x.softplus()),
  real("$0.erf()", (x) => x.erf()),
  real("$0.relu()", (x) => x.relu()),
  real("$0.clamp(-0.61, 0.47)", (x) => x.clamp(-0.61, 0.47)),
  real("$0.mul(0.5).add(0.25)", (x) => x.mul(0.5).add(0.25)),
  real("$0.mul(3).round()", (x) => x.mul(3).round()),
  real("$0.mul(3).cast('i32')", (x) => x.mul(3).cast("i32")),
  real("$0.cast('f16')", (x) => x.cast("f16")),
  real("$0.cast('bf16')", (x) => x.cast("bf16")),
  real("$0.cast('f32')", (x) => x.cast("f32")),
  (at, { tensors }) =>
    isFloat(tensors[at].dtype)
      ? undefined
      : { text: "$0.cast('f32').mul(0.3)", args: [at], make: (x) => x.cast("f32").mul(0.3) },
  (at, { tensors }) =>
    tensors[at].dtype === "i32"
      ? { text: "$0.mul(3).sub(1).minimum(7)", args: [at], make: (x) => x.mul(3).sub(1).minimum(7) }
      : undefined,
  pair("$0.add($1).mul(0.7)", (x, y) => x.add(y).mul(0.7)),
  pair("$0.sub($1)", (x, y) => x.sub(y)),
  pair("$0.mul($1)", (x, y) => x.mul(y)),
  pair("$0.div($1.square().add(1))", (x, y) => x.div(y.square().add(1))),
  pair("$0.maximum($1)", (x, y) => x.maximum(y)),
  pair("where($0.gt($1.add(0.0137)), $0, $1.neg())", (x, y) => where(x.gt(y.add(0.0137)), x, y.neg())),
  pair("$0.lt($1.sub(0.0137))", (x, y) => x.lt(y.sub(0.0137))),
  pair("pack([$0, $1])", (x, y) => pack([x.cast("f32"), y.cast("f32")])),
  pair("pack([$0, $1, $0], { align: 64 })", (x, y) => pack([x, y, x].map((t) => t.cast("f32")), { align: 64 })),
  ...(["sum", "sum", "prod", "mean", "max", "min", "var"] as const).map(reduction),
  ...VIEWS,
  ...VIEWS,
  ...CONTRACTIONS,
  ...INDEXING,
  along("softmax($0, AXIS).mul(2)", (x, axis) => softmax(x, axis).mul(2)),
  along("logSoftmax($0, AXIS)", (x, axis) => logSoftmax(x, axis)),
  along("layerNorm($0)", (x) => layerNorm(x, { eps: 0.1 })),
  along("stack([$0, $0.neg()], AXIS)", (x, axis) => stack([x, x.neg()], axis)),
  real("groupNorm($0, 1)", (x) => groupNorm(x, 1, { eps: 0.1 }), (x) => x.ndim >= 2 && x.size > 0),
  real(
    "unpack($0.flatten(), halves)",
    (x) => unpack(x.flatten(), [[x.size / 2], [2, x.size / 4]])[1],
    (x) => x.size % 4 === 0 && x.size > 0,
  ),
];
