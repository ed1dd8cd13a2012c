import { attention, type AttentionParams, feedForward, type FeedForwardParams, layerNorm, zerosLike } from "@dipp/nn";
import { fold, randn, type Tensor } from "@dipp/tensor";
import { modulate } from "../modulate.ts";
import { xavier } from "../xavier.ts";
import type { PixArtTransformer2DConfig } from "./config.ts";

/** Parameters of a block of PixArt, with diffusers' names. */
export type PixArtBlockParams = {
  /** The block's own part of the six modulations, `[6, D]`. */
  scale_shift_table: Tensor;
  /** Self-attention. */
  attn1: AttentionParams;
  /** Cross-attention to the caption. */
  attn2: AttentionParams;
  /** Feed-forward with tanh-GELU. */
  ff: FeedForwardParams;
};

/**
 * Draws the parameters as PixArt does: Xavier weights, zero biases, the
 * cross-attention's output at zero, the table from N(0, 1/D).
 *
 * @param key The random key.
 * @param config The network's configuration.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  config: PixArtTransformer2DConfig,
): PixArtBlockParams {
  const heads = config.num_attention_heads;
  const queryDim = heads * config.attention_head_dim;
  const shape = { queryDim, heads, bias: config.attention_bias };
  const { attn1, attn2, ff } = xavier(key, {
    attn1: attention.init(key, shape),
    attn2: attention.init(key, shape),
    ff: feedForward.init(key, queryDim, { activation: "gelu-approximate" }),
  });
  return {
    scale_shift_table: randn(fold(key, 0), [6, queryDim]).div(
      Math.sqrt(queryDim),
    ),
    attn1,
    attn2: { ...attn2, to_out: zerosLike(attn2.to_out) },
    ff,
  };
}

/**
 * The block (PixArt-alpha, fig. 4): self-attention and feed-forward, both
 * modulated and gated, and between them cross-attention, which is neither and
 * sees its input without a norm.
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, D]`.
 * @param inputs The shared modulation `[B, 6, D]`, the projected caption
 *   `[B, M, D]`, its mask bias `[B, M]`, heads and epsilon.
 * @returns `[B, L, D]`.
 */
export function apply(
  params: PixArtBlockParams,
  x: Tensor,
  inputs: {
    readonly modulation: Tensor;
    readonly caption: Tensor;
    readonly mask?: Tensor;
    readonly heads: number;
    readonly eps: number;
  },
): Tensor {
  const { heads, eps, caption, mask } = inputs;
  const table = params.scale_shift_table.unsqueeze(0).add(inputs.modulation);
  const [shiftAttn, scaleAttn, gateAttn, shiftFf, scaleFf, gateFf] = [
    0,
    1,
    2,
    3,
    4,
    5,
  ].map((i) => table.slice([null, [i, i + 1]]));

  let h = modulate(layerNorm.apply({}, x, eps), shiftAttn, scaleAttn);
  x = x.add(gateAttn.mul(attention.apply(params.attn1, h, { heads })));
  x = x.add(
    attention.apply(params.attn2, x, { heads, context: caption, mask }),
  );
  h = modulate(layerNorm.apply({}, x, eps), shiftFf, scaleFf);
  return x.add(
    gateFf.mul(feedForward.apply(params.ff, h, "gelu-approximate")),
  );
}
