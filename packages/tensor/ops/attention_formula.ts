/** Attention and its gradients as compositions that store the score matrix: what the kernels are measured by. */
import { arange } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
import { softmax } from "./normalization.ts";

/** What changes the scores. */
export interface ScoreOptions {
  /** Broadcast to [B, H, Lq, Lk]: bool keeps where true, float is added to the scores. */
  readonly mask?: Tensor | undefined;
  /** Factor on the scores. */
  readonly scale: number;
  /** Position i attends to j <= i only. */
  readonly causal: boolean;
}

/** q k^T * scale + mask, [B, H, Lq, Lk]. */
export function attentionScores(q: Tensor, k: Tensor, { mask, scale, causal }: ScoreOptions): Tensor {
  let scores = q.matmul(k.transpose(-1, -2)).mul(scale);
  // Large and finite: a row with every position masked stays finite
  if (mask) scores = mask.dtype === "bool" ? scores.where(mask, -1e30) : scores.add(mask);
  if (!causal) return scores;
  const [rows, columns] = scores.shape.slice(-2);
  const seen = arange(columns, "i32").le(arange(rows, "i32").unsqueeze(1));
  // Below what a mask leaves out, so that a row never sees what comes after it
  return scores.where(seen, -3e38);
}

/** The attention. */
export function attentionFormula(q: Tensor, k: Tensor, v: Tensor, options: ScoreOptions): Tensor {
  return softmax(attentionScores(q, k, options), -1).matmul(v);
}

/** Gradients of an attention with respect to its operands and to the masked scores, [B, H, Lq, Lk]. */
export interface AttentionGradients {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask: Tensor;
}

/**
 * The gradients, given that of the result. `p` are the probabilities and `delta` the sums over each row of gradient
 * times result, [B, H, Lq, 1], where they are known.
 */
export function attentionGradients(
  [q, k, v, g]: readonly Tensor[],
  { mask, ...options }: ScoreOptions,
  p: Tensor = softmax(attentionScores(q, k, { mask, ...options }), -1),
  delta?: Tensor,
): AttentionGradients {
  const dp = g.matmul(v.transpose(-1, -2));
  const dMasked = p.mul(dp.sub(delta ?? p.mul(dp).sum(-1, true)));
  const ds = (mask?.dtype === "bool" ? dMasked.where(mask, 0) : dMasked).mul(options.scale);
  return { q: ds.matmul(k), k: ds.transpose(-1, -2).matmul(q), v: p.transpose(-1, -2).matmul(g), mask: dMasked };
}
