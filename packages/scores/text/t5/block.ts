import { fold, ones, rmsNorm, type Tensor } from "@dipp/tensor";
import type { T5Config } from "./config.ts";
import * as feedForward from "./feed_forward.ts";
import type { T5FeedForwardParams } from "./feed_forward.ts";
import * as selfAttention from "./self_attention.ts";
import type { T5AttentionParams } from "./self_attention.ts";

/** The scale of T5's norm, `[d_model]`. */
export type T5NormParams = { weight: Tensor };

/** Parameters of a block of T5, with transformers' names: `layer.0` and `layer.1`. */
export type T5BlockParams = {
  /** Attention and feed-forward, each with the norm before it. */
  layer: [
    { SelfAttention: T5AttentionParams; layer_norm: T5NormParams },
    { DenseReluDense: T5FeedForwardParams; layer_norm: T5NormParams },
  ];
};

/**
 * Draws the parameters as T5 does.
 *
 * @param key The random key.
 * @param config The encoder's configuration.
 * @param first Whether it is block 0, which holds the bias of distances.
 * @returns The parameters.
 */
export function init(key: Tensor, config: T5Config, first: boolean): T5BlockParams {
  const norm = () => ({ weight: ones([config.d_model]) });
  return {
    layer: [
      { SelfAttention: selfAttention.init(fold(key, 0), config, first), layer_norm: norm() },
      { DenseReluDense: feedForward.init(fold(key, 1), config), layer_norm: norm() },
    ],
  };
}

/**
 * Attention and feed-forward, each normalised before (by the root mean square) and added to its input.
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, d_model]`.
 * @param config The encoder's configuration.
 * @param bias Distances and mask, `[1 or B, heads, L, L]`.
 * @returns `[B, L, d_model]`.
 */
export function apply(params: T5BlockParams, x: Tensor, config: T5Config, bias: Tensor): Tensor {
  const [attention, dense] = params.layer;
  const eps = config.layer_norm_epsilon;
  const norm = ({ weight }: T5NormParams) => rmsNorm(x, { weight, eps });
  x = x.add(selfAttention.apply(attention.SelfAttention, norm(attention.layer_norm), config.num_heads, bias));
  return x.add(feedForward.apply(dense.DenseReluDense, norm(dense.layer_norm), config));
}
