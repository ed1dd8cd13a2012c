/**
 * Multi-head attention with the parameter names of diffusers' `Attention`.
 *
 * @module
 */

import { fold, scaledDotProductAttention, type Tensor } from "@dipp/tensor";
import * as linear from "./linear.ts";
import type { LinearParams } from "./linear.ts";

/** The parameters of an attention layer. */
export type AttentionParams = {
  /** [heads * dimHead, queryDim]. */
  to_q: LinearParams;
  /** [heads * dimHead, crossAttentionDim]. */
  to_k: LinearParams;
  /** [heads * dimHead, crossAttentionDim]. */
  to_v: LinearParams;
  /** [queryDim, heads * dimHead], as `to_out.0`. */
  to_out: [LinearParams];
};

/** The shape of an attention layer. */
export interface AttentionOptions {
  /** The size of the last axis of the input. */
  readonly queryDim: number;
  /** The size of the last axis of the context. Default `queryDim`. */
  readonly crossAttentionDim?: number;
  /** The number of heads. */
  readonly heads: number;
  /** The width of each head. Default `queryDim / heads`. */
  readonly dimHead?: number;
  /** Whether to_q, to_k and to_v have a bias. Default false. */
  readonly bias?: boolean;
  /** Whether to_out has a bias. Default true. */
  readonly outBias?: boolean;
}

/** What an attention layer is applied with. */
export interface AttentionInputs {
  /** The number of heads. */
  readonly heads: number;
  /** [B, Lk, crossAttentionDim]: what is attended to. Default `x`. */
  readonly context?: Tensor;
  /**
   * Which keys count: bool (true keeps) or numbers that are added to the
   * logits, as [B, Lk], [B, 1 or Lq, Lk] or [B, 1 or heads, 1 or Lq, Lk].
   */
  readonly mask?: Tensor;
  /** Whether position i attends to j <= i only. Default false. */
  readonly causal?: boolean;
  /** What the logits are multiplied by. Default 1 / sqrt(dimHead). */
  readonly scale?: number;
}

/**
 * Draws the parameters.
 *
 * @param key the random key
 * @param options see {@linkcode AttentionOptions}
 * @returns the parameters
 * @throws {RangeError} when the heads do not divide the width
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { attention } from "@dipp/nn";
 * import { key, ones } from "@dipp/tensor";
 *
 * const options = { queryDim: 16, crossAttentionDim: 12, heads: 2 };
 * const params = attention.init(key(0), options);
 * const y = attention.apply(params, ones([1, 9, 16]), {
 *   heads: 2,
 *   context: ones([1, 5, 12]),
 * });
 * assertEquals(y.shape, [1, 9, 16]);
 * ```
 */
export function init(key: Tensor, options: AttentionOptions): AttentionParams {
  const { queryDim, heads, bias = false, outBias = true } = options;
  const { crossAttentionDim = queryDim, dimHead = queryDim / heads } = options;
  if (!Number.isInteger(dimHead) || dimHead < 1) {
    throw new RangeError(
      `Attention has ${heads} heads, expected a divisor of queryDim, which ` +
        `is ${queryDim}`,
    );
  }
  const inner = heads * dimHead;
  return {
    to_q: linear.init(fold(key, 0), queryDim, inner, { bias }),
    to_k: linear.init(fold(key, 1), crossAttentionDim, inner, { bias }),
    to_v: linear.init(fold(key, 2), crossAttentionDim, inner, { bias }),
    to_out: [linear.init(fold(key, 3), inner, queryDim, { bias: outBias })],
  };
}

/**
 * Applies the layer: softmax(Q K^T scale + mask) V, projected.
 *
 * Source: Vaswani et al., "Attention Is All You Need", arXiv 1706.03762, eq. 1.
 *
 * @param params the parameters
 * @param x [B, Lq, queryDim]
 * @param inputs see {@linkcode AttentionInputs}
 * @returns [B, Lq, queryDim]
 * @throws {RangeError} when a mask has another number of axes than 2, 3 or 4
 */
export function apply(
  params: AttentionParams,
  x: Tensor,
  inputs: AttentionInputs,
): Tensor {
  const { heads, context = x, mask, causal, scale } = inputs;
  const [batch, length] = x.shape;
  const perHead = (t: Tensor) => t.reshape([batch, t.shape[1], heads, -1]).permute([0, 2, 1, 3]);
  const q = perHead(linear.apply(params.to_q, x));
  const k = perHead(linear.apply(params.to_k, context));
  const v = perHead(linear.apply(params.to_v, context));
  const attended = scaledDotProductAttention(q, k, v, {
    mask: mask && broadcastMask(mask),
    causal,
    scale,
  });
  const joined = attended.permute([0, 2, 1, 3]).reshape([batch, length, -1]);
  return linear.apply(params.to_out[0], joined);
}

/** Brings a mask to [B, 1 or heads, 1 or Lq, Lk]. */
function broadcastMask(mask: Tensor): Tensor {
  const { shape } = mask;
  if (shape.length === 4) return mask;
  if (shape.length === 3) {
    return mask.reshape([shape[0], 1, shape[1], shape[2]]);
  }
  if (shape.length === 2) return mask.reshape([shape[0], 1, 1, shape[1]]);
  throw new RangeError(
    `Attention mask has shape [${shape.join(", ")}], expected 2, 3 or 4 axes`,
  );
}
