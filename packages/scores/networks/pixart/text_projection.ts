import { linear, type LinearParams } from "@dipp/nn";
import { fold, geluTanh, type Tensor } from "@dipp/tensor";
import { normalWeight } from "../normal_weight.ts";

/** Parameters of the caption projection (`PixArtAlphaTextProjection`). */
export type TextProjectionParams = {
  /** First layer. */
  linear_1: LinearParams;
  /** Second layer. */
  linear_2: LinearParams;
};

/**
 * Draws the parameters; see {@linkcode normalWeight}.
 *
 * @param key The random key.
 * @param captionChannels Width of the caption's encoding.
 * @param width Width of the network.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  captionChannels: number,
  width: number,
): TextProjectionParams {
  return {
    linear_1: normalWeight(fold(key, 0), captionChannels, width),
    linear_2: normalWeight(fold(key, 1), width, width),
  };
}

/**
 * Linear, GELU (tanh), linear.
 *
 * @param params The parameters.
 * @param caption `[B, L, caption_channels]`.
 * @returns `[B, L, width]`.
 */
export function apply(params: TextProjectionParams, caption: Tensor): Tensor {
  const hidden = geluTanh(linear.apply(params.linear_1, caption));
  return linear.apply(params.linear_2, hidden);
}
