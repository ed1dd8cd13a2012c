import {
  attention,
  type AttentionParams,
  feedForward,
  type FeedForwardParams,
  layerNorm,
  type LayerNormParams,
} from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";

/** Parameters of a transformer block of the UNet, with diffusers' names. */
export type BasicTransformerBlockParams = {
  /** Layer norm before self-attention. */
  norm1: LayerNormParams;
  /** Self-attention. */
  attn1: AttentionParams;
  /** Layer norm before cross-attention. */
  norm2: LayerNormParams;
  /** Cross-attention to the condition. */
  attn2: AttentionParams;
  /** Layer norm before the feed-forward. */
  norm3: LayerNormParams;
  /** GEGLU feed-forward. */
  ff: FeedForwardParams;
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param dim Width.
 * @param heads Attention heads.
 * @param crossAttentionDim Width of the condition.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  dim: number,
  heads: number,
  crossAttentionDim: number,
): BasicTransformerBlockParams {
  return {
    norm1: layerNorm.init(dim),
    attn1: attention.init(fold(key, 0), { queryDim: dim, heads }),
    norm2: layerNorm.init(dim),
    attn2: attention.init(fold(key, 1), {
      queryDim: dim,
      crossAttentionDim,
      heads,
    }),
    norm3: layerNorm.init(dim),
    ff: feedForward.init(fold(key, 2), dim, { activation: "geglu" }),
  };
}

/**
 * Self-attention, cross-attention, feed-forward, each normalised before and
 * added to its input.
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, C]`.
 * @param heads Attention heads.
 * @param context The condition, `[B, M, D]`.
 * @param mask Added to the cross-attention logits, `[B, M]`.
 * @returns `[B, L, C]`.
 */
export function apply(
  params: BasicTransformerBlockParams,
  x: Tensor,
  heads: number,
  context: Tensor,
  mask?: Tensor,
): Tensor {
  x = x.add(
    attention.apply(params.attn1, layerNorm.apply(params.norm1, x), { heads }),
  );
  x = x.add(
    attention.apply(params.attn2, layerNorm.apply(params.norm2, x), {
      heads,
      context,
      mask,
    }),
  );
  return x.add(
    feedForward.apply(params.ff, layerNorm.apply(params.norm3, x), "geglu"),
  );
}
