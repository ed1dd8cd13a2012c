import { attention, layerNorm, type LayerNormParams, linear, type LinearParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { ACTIVATIONS } from "../activation.ts";
import { normalLinear } from "../normal_linear.ts";
import type { BertConfig } from "./config.ts";

/** A projection, and the norm of what it is added to. */
export type BertOutputParams = { dense: LinearParams; LayerNorm: LayerNormParams };

/** Parameters of a layer of BERT, with transformers' names. */
export type BertLayerParams = {
  /** Self-attention. */
  attention: { self: { query: LinearParams; key: LinearParams; value: LinearParams }; output: BertOutputParams };
  /** First half of the feed-forward. */
  intermediate: { dense: LinearParams };
  /** Second half of the feed-forward. */
  output: BertOutputParams;
};

/** Standard deviation of the weights that BERT starts from. */
export const STD = 0.02;

/**
 * Draws the parameters as BERT does.
 *
 * @param key The random key.
 * @param config The encoder's configuration.
 * @returns The parameters.
 */
export function init(key: Tensor, config: BertConfig): BertLayerParams {
  const { hidden_size: width, intermediate_size: hidden } = config;
  const dense = (n: number, out: number, from: number) => normalLinear(fold(key, n), [out, from], STD);
  const square = (n: number) => dense(n, width, width);
  return {
    attention: {
      self: { query: square(0), key: square(1), value: square(2) },
      output: { dense: square(3), LayerNorm: layerNorm.init(width) },
    },
    intermediate: { dense: dense(4, hidden, width) },
    output: { dense: dense(5, width, hidden), LayerNorm: layerNorm.init(width) },
  };
}

/**
 * Self-attention and feed-forward, each added to its input and normalised after.
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, D]`.
 * @param config The encoder's configuration.
 * @param mask Which tokens count, bool `[B, L]`.
 * @returns `[B, L, D]`.
 */
export function apply(params: BertLayerParams, x: Tensor, config: BertConfig, mask?: Tensor): Tensor {
  const { layer_norm_eps: eps, num_attention_heads: heads, hidden_act } = config;
  const { self, output } = params.attention;
  const layer = { to_q: self.query, to_k: self.key, to_v: self.value, to_out: [output.dense] as [LinearParams] };
  x = layerNorm.apply(output.LayerNorm, attention.apply(layer, x, { heads, mask }).add(x), eps);
  const h = ACTIVATIONS[hidden_act](linear.apply(params.intermediate.dense, x));
  return layerNorm.apply(params.output.LayerNorm, linear.apply(params.output.dense, h).add(x), eps);
}
