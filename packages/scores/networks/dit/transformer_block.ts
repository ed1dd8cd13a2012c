import { attention, type AttentionParams, feedForward, type FeedForwardParams, layerNorm } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { modulate } from "../modulate.ts";
import { xavier } from "../xavier.ts";
import * as adalnZero from "./adaln_zero.ts";
import type { AdaLNZeroParams } from "./adaln_zero.ts";
import type { DiTTransformer2DConfig } from "./config.ts";

/** Parameters of a block of DiT, with diffusers' names. */
export type DiTBlockParams = {
  /** The block's modulation. */
  norm1: AdaLNZeroParams;
  /** Self-attention. */
  attn1: AttentionParams;
  /** Feed-forward with tanh-GELU. */
  ff: FeedForwardParams;
};

/** Epsilon of the norm before attention and of the last norm. */
export const EPS = 1e-6;

/**
 * Draws the parameters as DiT does.
 *
 * @param key The random key.
 * @param config The network's configuration.
 * @returns The parameters.
 */
export function init(key: Tensor, config: DiTTransformer2DConfig): DiTBlockParams {
  const heads = config.num_attention_heads;
  const width = heads * config.attention_head_dim;
  return {
    norm1: adalnZero.init(fold(key, 0), width, config.num_embeds_ada_norm),
    ...xavier(fold(key, 1), {
      attn1: attention.init(key, { queryDim: width, heads, bias: config.attention_bias }),
      ff: feedForward.init(key, width, { activation: "gelu-approximate" }),
    }),
  };
}

/**
 * Self-attention and feed-forward, both modulated, gated and added to their input (Peebles and Xie 2023, figure 3).
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, D]`.
 * @param t Timestep, f32 `[B]`.
 * @param labels Class, integers `[B]`.
 * @param config The network's configuration.
 * @returns `[B, L, D]`.
 */
export function apply(
  params: DiTBlockParams,
  x: Tensor,
  t: Tensor,
  labels: Tensor,
  config: DiTTransformer2DConfig,
): Tensor {
  const heads = config.num_attention_heads;
  const [shiftAttn, scaleAttn, gateAttn, shiftFf, scaleFf, gateFf] = adalnZero.apply(params.norm1, t, labels);
  let h = modulate(layerNorm.apply({}, x, EPS), shiftAttn, scaleAttn);
  x = x.add(gateAttn.mul(attention.apply(params.attn1, h, { heads })));
  h = modulate(layerNorm.apply({}, x, config.norm_eps), shiftFf, scaleFf);
  return x.add(gateFf.mul(feedForward.apply(params.ff, h, "gelu-approximate")));
}
