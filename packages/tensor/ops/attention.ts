/** Scaled dot-product attention. */
import { arange } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
import { softmax } from "./normalization.ts";

/** Settings of an attention. */
export interface AttentionOptions {
  /** Broadcast to [B, H, Lq, Lk]: bool keeps where true, float is added to the scores. */
  readonly mask?: Tensor | undefined;
  /** Factor on the scores; 1 / sqrt(D) by default. */
  readonly scale?: number | undefined;
  /** Position i attends to j <= i only. */
  readonly causal?: boolean;
}

/**
 * softmax(q k^T * scale + mask) v (Vaswani et al. 2017, equation 1; torch.nn.functional.scaled_dot_product_attention).
 *
 * @param q Queries [B, H, Lq, D].
 * @param k Keys [B, H, Lk, D].
 * @param v Values [B, H, Lk, E].
 * @returns [B, H, Lq, E].
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const { mask, causal = false, scale = 1 / Math.sqrt(q.shape[q.ndim - 1]) } = options;
  let scores = q.matmul(k.transpose(-1, -2)).mul(scale);
  // Large and finite: a row with every position masked stays finite
  if (mask) {
    scores = mask.dtype === "bool" ? scores.where(mask, -1e30) : scores.add(mask);
  }
  if (causal) {
    const [rows, columns] = scores.shape.slice(-2);
    scores = scores.where(
      arange(columns, "i32").le(arange(rows, "i32").unsqueeze(1)),
      -1e30,
    );
  }
  return softmax(scores, -1).matmul(v);
}
