/**
 * A layer of CLIP's transformers, those of texts and of images.
 *
 * @module
 */

import { attention, layerNorm, type LayerNormParams, linear, type LinearParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { ACTIVATIONS } from "../activation.ts";
import { normalLinear } from "../normal_linear.ts";
import type { CLIPTextConfig } from "./config.ts";

/** What a layer reads of an encoder's configuration; those of CLIP's text and vision encoders have it all. */
export type CLIPEncoderLayerConfig = Pick<
  CLIPTextConfig,
  "hidden_size" | "intermediate_size" | "num_hidden_layers" | "num_attention_heads" | "hidden_act" | "layer_norm_eps"
>;

/** Parameters of a layer of CLIP, with transformers' names. */
export type CLIPEncoderLayerParams = {
  /** Layer norm before attention. */
  layer_norm1: LayerNormParams;
  /** Self-attention. */
  self_attn: { q_proj: LinearParams; k_proj: LinearParams; v_proj: LinearParams; out_proj: LinearParams };
  /** Layer norm before the feed-forward. */
  layer_norm2: LayerNormParams;
  /** Feed-forward. */
  mlp: { fc1: LinearParams; fc2: LinearParams };
};

/**
 * Draws the parameters as CLIP does (Radford et al. 2021; `CLIPPreTrainedModel._init_weights`).
 *
 * @param key The random key.
 * @param config The encoder's configuration.
 * @returns The parameters.
 */
export function init(key: Tensor, config: CLIPEncoderLayerConfig): CLIPEncoderLayerParams {
  const { hidden_size: width, intermediate_size: hidden, num_hidden_layers: layers } = config;
  const std = width ** -0.5;
  const deep = std * (2 * layers) ** -0.5;
  const square = (n: number, std: number) => normalLinear(fold(key, n), [width, width], std);
  return {
    layer_norm1: layerNorm.init(width),
    self_attn: { q_proj: square(0, deep), k_proj: square(1, deep), v_proj: square(2, deep), out_proj: square(3, std) },
    layer_norm2: layerNorm.init(width),
    mlp: {
      fc1: normalLinear(fold(key, 4), [hidden, width], (2 * width) ** -0.5),
      fc2: normalLinear(fold(key, 5), [width, hidden], deep),
    },
  };
}

/** What the tokens of a layer see of each other. */
export interface CLIPEncoderLayerInputs {
  /** Which tokens count, bool `[B, L]`. Default all. */
  readonly mask?: Tensor;
  /** Whether a token sees none after it, as in the text encoder. */
  readonly causal: boolean;
}

/**
 * Self-attention and feed-forward, each normalised before and added to its input.
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, D]`.
 * @param config The encoder's configuration.
 * @param inputs See {@linkcode CLIPEncoderLayerInputs}.
 * @returns `[B, L, D]`.
 */
export function apply(
  params: CLIPEncoderLayerParams,
  x: Tensor,
  config: CLIPEncoderLayerConfig,
  inputs: CLIPEncoderLayerInputs,
): Tensor {
  const { layer_norm_eps: eps, num_attention_heads: heads, hidden_act } = config;
  const { q_proj, k_proj, v_proj, out_proj } = params.self_attn;
  const layer = { to_q: q_proj, to_k: k_proj, to_v: v_proj, to_out: [out_proj] as [LinearParams] };
  x = x.add(attention.apply(layer, layerNorm.apply(params.layer_norm1, x, eps), { heads, ...inputs }));
  const h = linear.apply(params.mlp.fc1, layerNorm.apply(params.layer_norm2, x, eps));
  return x.add(linear.apply(params.mlp.fc2, ACTIVATIONS[hidden_act](h)));
}
