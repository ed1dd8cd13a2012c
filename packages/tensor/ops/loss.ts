/** Loss functions. */
import { arange } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
import { sameShape, show } from "../shape.ts";
import { logSoftmax } from "./normalization.ts";

/** What a loss does with its elements. */
export type Reduction = "mean" | "sum" | "none";

/** Applies a reduction. */
export function reduceLoss(x: Tensor, reduction: Reduction): Tensor {
  return reduction === "mean" ? x.mean() : reduction === "sum" ? x.sum() : x;
}

/** (x - y)^2, reduced. */
export function mseLoss(
  x: Tensor,
  y: Tensor,
  reduction: Reduction = "mean",
): Tensor {
  return reduceLoss(x.sub(y).square(), reduction);
}

/** Settings of a cross entropy, named as in torch. */
export interface CrossEntropyOptions {
  /** What is done with the losses; "mean" by default, over the targets that count. */
  readonly reduction?: Reduction;
  /** Share of each target that is spread evenly over all classes; 0 by default. */
  readonly labelSmoothing?: number;
  /** Target that does not count; -100 by default. */
  readonly ignoreIndex?: number;
}

/**
 * -log softmax(logits)[target], classes on axis 1 (torch.nn.functional.cross_entropy).
 *
 * @param logits [N, C, ...].
 * @param targets Class numbers [N, ...], or probabilities of the logits' shape (f32).
 * @param options Reduction, smoothing, ignored class.
 * @returns A scalar, or [N, ...] where the reduction is "none".
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  { reduction = "mean", labelSmoothing = 0, ignoreIndex = -100 }: CrossEntropyOptions = {},
): Tensor {
  const logp = logSoftmax(logits, 1);
  const classes = logits.shape[1];
  const smooth = (t: Tensor) => labelSmoothing === 0 ? t : t.mul(1 - labelSmoothing).add(labelSmoothing / classes);
  const soft = targets.dtype === "f32";
  const expected = logits.shape.filter((_, i) => soft || i !== 1);
  if (!sameShape(targets.shape, expected)) {
    throw new RangeError(
      `Cannot take the cross entropy of ${show(logits.shape)} with ${targets.dtype} targets ${show(targets.shape)}: ` +
        `expected ${show(expected)}`,
    );
  }
  if (soft) {
    const losses = logp.mul(smooth(targets)).sum(1).neg();
    return reduceLoss(losses, reduction);
  }
  const ids = targets.cast("i32");
  const hot = ids.unsqueeze(1).eq(arange(classes, "i32").reshape(logits.shape.map((n, i) => i === 1 ? n : 1)));
  const counts = ids.ne(ignoreIndex);
  // A choice where possible: a product with zero would turn the log of an impossible class into NaN
  const picked = labelSmoothing === 0 ? logp.where(hot, 0) : logp.mul(smooth(hot.cast("f32")));
  const losses = picked.sum(1).neg().where(counts, 0);
  return reduction === "mean" ? losses.sum().div(counts.cast("f32").sum()) : reduceLoss(losses, reduction);
}

/** Binary cross entropy of logits, reduced. */
export function bceWithLogits(
  logits: Tensor,
  targets: Tensor,
  reduction: Reduction = "mean",
): Tensor {
  return reduceLoss(logits.softplus().sub(logits.mul(targets)), reduction);
}
