// Evaluators of the ops that look at more than one element: reductions, shapes,
// contractions, normalisations; by the name that the reference cases use.

import * as dipp from "../mod.ts";
import type { Range, Tensor } from "../mod.ts";
import type { Attributes, Evaluate } from "./elementwise.ts";

type Reduce = (x: Tensor, axes: number[] | undefined, keep: boolean) => Tensor;

const reduction = (reduce: Reduce): Evaluate => ({ x }, { dim, keepdim }) =>
  reduce(x, (dim ?? undefined) as number[] | undefined, keepdim as boolean);

const variance = (x: Tensor, { dim, keepdim, correction }: Attributes) =>
  x.var(
    (dim ?? undefined) as number[] | undefined,
    keepdim as boolean,
    correction as number,
  );

const along = (op: (x: Tensor, axis: number) => Tensor): Evaluate =>
(
  { x },
  { dim },
) => op(x, dim as number);

const numbered = (inputs: Readonly<Record<string, Tensor>>): Tensor[] =>
  Object.keys(inputs).sort().map((name) => inputs[name]);

// An index of the extreme: the cases may ask to keep the axis, argmax does not.
const position = (op: (x: Tensor, axis?: number) => Tensor): Evaluate => ({ x }, { dim, keepdim }) => {
  const index = op(x, (dim ?? undefined) as number | undefined);
  return keepdim && dim !== null ? index.unsqueeze(dim as number) : index;
};

/** All of them, by name. */
export const STRUCTURAL: Record<string, Evaluate> = {
  argmax: position(dipp.argmax),
  argmin: position(dipp.argmin),
  logsumexp: reduction(dipp.logsumexp),
  max: reduction((x, axes, keep) => x.max(axes, keep)),
  mean: reduction((x, axes, keep) => x.mean(axes, keep)),
  min: reduction((x, axes, keep) => x.min(axes, keep)),
  norm: reduction((x, axes, keep) => x.norm(2, axes, keep)),
  std: ({ x }, attrs) => variance(x, attrs).sqrt(),
  sum: reduction((x, axes, keep) => x.sum(axes, keep)),
  var: ({ x }, attrs) => variance(x, attrs),

  cumsum: along(dipp.cumsum),
  log_softmax: along(dipp.logSoftmax),
  softmax: along(dipp.softmax),

  concat: (inputs, { dim }) => dipp.cat(numbered(inputs), dim as number),
  embedding: ({ weight, ids }) => dipp.embedding(weight, ids),
  expand: ({ x }, { shape }) => x.expand(shape as number[]),
  flip: ({ x }, { dims }) => x.flip(dims as number[]),
  gather: ({ x, index }, { dim }) => dipp.gather(x, dim as number, index),
  index_select: ({ x, index }, { dim }) => dipp.indexSelect(x, dim as number, index),
  pad: ({ x }, { pad, mode, value }) =>
    mode === "constant"
      ? x.pad(pad as [number, number][], value as number)
      : dipp.padWith(x, pad as [number, number][], mode as dipp.PadMode),
  permute: ({ x }, { dims }) => x.permute(dims as number[]),
  repeat: ({ x }, { repeats }) => dipp.repeat(x, repeats as number[]),
  repeat_interleave: ({ x }, { repeats, dim }) =>
    dipp.repeatInterleave(dim === null ? x.flatten() : x, repeats as number, (dim ?? 0) as number),
  roll: ({ x }, { shifts, dims }) => dipp.roll(x, shifts as number[], (dims ?? undefined) as number[] | undefined),
  reshape: ({ x }, { shape }) => x.reshape(shape as number[]),
  scatter_add: ({ x, index, src }, { dim }) => dipp.scatterAdd(x, dim as number, index, src),
  slice: ({ x }, { slices }) => x.slice(slices as Range[]),
  split: ({ x }, { sizes, dim }) => dipp.split(x, sizes as number[], dim as number),
  stack: (inputs, { dim }) => dipp.stack(numbered(inputs), dim as number),
  take_along: ({ x, index }, { dim }) => {
    const shape = x.shape.map((n, i) => i === dim ? index.shape[i] : n);
    return dipp.gather(x, dim as number, index.expand(shape));
  },
  tril: ({ x }, { diagonal }) => x.tril(diagonal as number),
  triu: ({ x }, { diagonal }) => x.triu(diagonal as number),

  // Composed of views, as networks do it.
  patchify: ({ x }, { patch }) => {
    const [b, c, h, w] = x.shape;
    const p = patch as number;
    return x.reshape([b, c, h / p, p, w / p, p]).permute([0, 2, 4, 1, 3, 5])
      .reshape([b, -1, c * p * p]);
  },
  pixel_shuffle: ({ x }, { factor }) => {
    const [b, c, h, w] = x.shape;
    const r = factor as number;
    return x.reshape([b, c / r / r, r, r, h, w]).permute([0, 1, 4, 2, 5, 3])
      .reshape([b, c / r / r, h * r, w * r]);
  },
  pixel_unshuffle: ({ x }, { factor }) => {
    const [b, c, h, w] = x.shape;
    const r = factor as number;
    return x.reshape([b, c, h / r, r, w / r, r]).permute([0, 1, 3, 5, 2, 4])
      .reshape([b, c * r * r, h / r, w / r]);
  },
  unpatchify: ({ x }, { grid, patch }) => {
    const [h, w] = grid as [number, number];
    const p = patch as number;
    const c = x.shape[2] / (p * p);
    return x.reshape([-1, h, w, p, p, c]).permute([0, 5, 1, 3, 2, 4])
      .reshape([-1, c, h * p, w * p]);
  },
};
