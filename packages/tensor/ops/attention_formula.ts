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

/** softmax(q k^T * scale + mask), [B, H, Lq, Lk]. */
export function attentionProbabilities(q: Tensor, k: Tensor, { mask, scale, causal }: ScoreOptions): Tensor {
  let scores = q.matmul(k.transpose(-1, -2)).mul(scale);
  // Large and finite: a row with every position masked stays finite
  if (mask) scores = mask.dtype === "bool" ? scores.where(mask, -1e30) : scores.add(mask);
  if (causal) {
    const [rows, columns] = scores.shape.slice(-2);
    const seen = arange(columns, "i32").le(arange(rows, "i32").unsqueeze(1));
    // Below what a mask leaves out, so that a row never sees what comes after it
    scores = scores.where(seen, -3e38);
  }
  return softmax(scores, -1);
}

/** The attention. */
export function attentionFormula(q: Tensor, k: Tensor, v: Tensor, options: ScoreOptions): Tensor {
  return attentionProbabilities(q, k, options).matmul(v);
}

/** Its gradients, given that of its result; that of an added mask is [B, H, Lq, Lk]. */
export function attentionGradients(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  g: Tensor,
  options: ScoreOptions,
): { q: Tensor; k: Tensor; v: Tensor; mask: Tensor } {
  const p = attentionProbabilities(q, k, options);
  const dp = g.matmul(v.transpose(-1, -2));
  const plain = p.mul(dp.sub(p.mul(dp).sum(-1, true)));
  const { mask, scale } = options;
  const ds = (mask?.dtype === "bool" ? plain.where(mask, 0) : plain).mul(scale);
  return { q: ds.matmul(k), k: ds.transpose(-1, -2).matmul(q), v: p.transpose(-1, -2).matmul(g), mask: plain };
}
