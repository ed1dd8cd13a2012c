import { attention, type EmbeddingParams, type LinearParams, normal } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { normalLinear } from "../normal_linear.ts";
import type { T5Config } from "./config.ts";

/** Parameters of T5's self-attention, with transformers' names; no biases. */
export type T5AttentionParams = {
  /** Queries, `[heads * d_kv, d_model]`. */
  q: LinearParams;
  /** Keys, `[heads * d_kv, d_model]`. */
  k: LinearParams;
  /** Values, `[heads * d_kv, d_model]`. */
  v: LinearParams;
  /** Output, `[d_model, heads * d_kv]`. */
  o: LinearParams;
  /** In block 0, for all blocks: `[buckets, heads]`. */
  relative_attention_bias?: EmbeddingParams;
};

/**
 * Draws the parameters as T5 does (`T5PreTrainedModel._init_weights`): the queries' weight makes up for the scale that
 * the logits do not have.
 *
 * @param key The random key.
 * @param config The encoder's configuration.
 * @param first Whether it is that of block 0.
 * @returns The parameters.
 */
export function init(key: Tensor, config: T5Config, first: boolean): T5AttentionParams {
  const { d_model: width, d_kv, num_heads: heads, relative_attention_num_buckets: buckets } = config;
  const inner = heads * d_kv;
  return {
    q: normalLinear(fold(key, 0), [inner, width], (width * d_kv) ** -0.5, false),
    k: normalLinear(fold(key, 1), [inner, width], width ** -0.5, false),
    v: normalLinear(fold(key, 2), [inner, width], width ** -0.5, false),
    o: normalLinear(fold(key, 3), [width, inner], inner ** -0.5, false),
    ...(first ? { relative_attention_bias: { weight: normal(fold(key, 4), [buckets, heads], width ** -0.5) } } : {}),
  };
}

/**
 * `softmax(q k^T + bias) v`, projected: the logits are not divided by the root of the width.
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, d_model]`.
 * @param heads Attention heads.
 * @param bias Distances and mask, `[1 or B, heads, L, L]`.
 * @returns `[B, L, d_model]`.
 */
export function apply(params: T5AttentionParams, x: Tensor, heads: number, bias: Tensor): Tensor {
  const layer = { to_q: params.q, to_k: params.k, to_v: params.v, to_out: [params.o] as [LinearParams] };
  return attention.apply(layer, x, { heads, mask: bias, scale: 1 });
}
