/**
 * A layer of BERT, with cross-attention where a model has it.
 *
 * @module
 */

import { attention, layerNorm, type LayerNormParams, linear, type LinearParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { ACTIVATIONS } from "../activation.ts";
import { normalLinear } from "../normal_linear.ts";
import type { BertConfig } from "./config.ts";

/** A projection, and the norm of what it is added to. */
export type BertOutputParams = { dense: LinearParams; LayerNorm: LayerNormParams };

/** Parameters of the attention of BERT, to itself or to something else, with transformers' names. */
export type BertAttentionParams = {
  /** Projections of what asks, of what is asked, and of what is answered. */
  self: { query: LinearParams; key: LinearParams; value: LinearParams };
  /** Projection of the answers, and the norm of their sum with what asked. */
  output: BertOutputParams;
};

/** Parameters of a layer of BERT, with transformers' names. */
export type BertLayerParams = {
  /** Self-attention. */
  attention: BertAttentionParams;
  /** Attention to a context, between self-attention and feed-forward; only in models that have one. */
  crossattention?: BertAttentionParams;
  /** First half of the feed-forward. */
  intermediate: { dense: LinearParams };
  /** Second half of the feed-forward. */
  output: BertOutputParams;
};

/** Standard deviation of the weights that BERT starts from. */
export const STD = 0.02;

/** What a layer reads of an encoder's configuration. */
export type BertLayerConfig = Pick<
  BertConfig,
  "hidden_size" | "intermediate_size" | "num_attention_heads" | "hidden_act" | "layer_norm_eps"
>;

/**
 * Draws the parameters as BERT does.
 *
 * @param key The random key.
 * @param config The encoder's configuration.
 * @param contextWidth Width of the context that the layer attends to; without one it has no cross-attention.
 * @returns The parameters.
 */
export function init(key: Tensor, config: BertLayerConfig, contextWidth?: number): BertLayerParams {
  const { hidden_size: width, intermediate_size: hidden } = config;
  const dense = (n: number, out: number, from: number) => normalLinear(fold(key, n), [out, from], STD);
  const attend = (n: number, from: number): BertAttentionParams => ({
    self: { query: dense(n, width, width), key: dense(n + 1, width, from), value: dense(n + 2, width, from) },
    output: { dense: dense(n + 3, width, width), LayerNorm: layerNorm.init(width) },
  });
  return {
    attention: attend(0, width),
    ...(contextWidth === undefined ? {} : { crossattention: attend(6, contextWidth) }),
    intermediate: { dense: dense(4, hidden, width) },
    output: { dense: dense(5, width, hidden), LayerNorm: layerNorm.init(width) },
  };
}

/** What the tokens of a layer attend to. */
export interface BertLayerInputs {
  /** Which tokens count, bool `[B, L]`, or what is added to the logits of the keys. Default all. */
  readonly mask?: Tensor;
  /** What cross-attention looks at, `[B, L', D']`; needed where there is one. */
  readonly context?: Tensor;
}

/**
 * Self-attention, cross-attention where there is one, and feed-forward, each added to its input and normalised after.
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, D]`.
 * @param config The encoder's configuration.
 * @param inputs See {@linkcode BertLayerInputs}.
 * @returns `[B, L, D]`.
 * @throws {TypeError} When the layer has cross-attention and there is no context, or the other way round.
 */
export function apply(
  params: BertLayerParams,
  x: Tensor,
  config: BertLayerConfig,
  inputs: BertLayerInputs = {},
): Tensor {
  const { layer_norm_eps: eps, num_attention_heads: heads, hidden_act } = config;
  const { mask, context } = inputs;
  const attend = ({ self, output }: BertAttentionParams, x: Tensor, to: { mask?: Tensor; context?: Tensor }) => {
    const layer = { to_q: self.query, to_k: self.key, to_v: self.value, to_out: [output.dense] as [LinearParams] };
    return layerNorm.apply(output.LayerNorm, attention.apply(layer, x, { heads, ...to }).add(x), eps);
  };
  if (!params.crossattention !== !context) {
    const [has, got] = params.crossattention ? ["a", "none"] : ["no", "one"];
    throw new TypeError(`A layer of BERT has ${has} cross-attention and was given ${got} to attend to`);
  }
  x = attend(params.attention, x, { mask });
  if (params.crossattention) x = attend(params.crossattention, x, { context });
  const h = ACTIVATIONS[hidden_act](linear.apply(params.intermediate.dense, x));
  return layerNorm.apply(params.output.LayerNorm, linear.apply(params.output.dense, h).add(x), eps);
}
