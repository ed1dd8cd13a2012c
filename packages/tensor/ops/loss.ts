/** Loss functions. */
import { arange } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
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

/** -log softmax(logits)[target], classes on axis 1, reduced. */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  reduction: Reduction = "mean",
): Tensor {
  const logp = logSoftmax(logits, 1);
  if (targets.dtype === "f32") {
    return reduceLoss(logp.mul(targets).sum(1).neg(), reduction);
  }
  const classes = arange(logits.shape[1], "i32").reshape(
    logits.shape.map((n, i) => i === 1 ? n : 1),
  );
  const hot = targets.cast("i32").unsqueeze(1).eq(classes);
  return reduceLoss(logp.where(hot, 0).sum(1).neg(), reduction);
}

/** Binary cross entropy of logits, reduced. */
export function bceWithLogits(
  logits: Tensor,
  targets: Tensor,
  reduction: Reduction = "mean",
): Tensor {
  return reduceLoss(logits.softplus().sub(logits.mul(targets)), reduction);
}
