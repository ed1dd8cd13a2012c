import {
  conv2d,
  type Conv2dParams,
  groupNorm,
  type GroupNormParams,
  linear,
  type LinearParams,
  zerosLike,
} from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";

/** Parameters of a resnet block, with diffusers' names. */
export type ResnetBlock2DParams = {
  /** Group norm of the input. */
  norm1: GroupNormParams;
  /** 3x3 convolution to the block's width. */
  conv1: Conv2dParams;
  /** Projection of the time embedding to the block's width; none in an autoencoder. */
  time_emb_proj?: LinearParams;
  /** Group norm of the hidden features. */
  norm2: GroupNormParams;
  /** 3x3 convolution at the block's width. */
  conv2: Conv2dParams;
  /** 1x1 convolution of the residual, where the width changes. */
  conv_shortcut?: Conv2dParams;
};

/**
 * Draws the parameters; the last convolution starts at zero, so that the block
 * starts as its shortcut (Dhariwal and Nichol 2021).
 *
 * @param key The random key.
 * @param inChannels Width of the input.
 * @param outChannels Width of the output.
 * @param timeEmbedDim Width of the time embedding; no projection of it without.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  inChannels: number,
  outChannels: number,
  timeEmbedDim?: number,
): ResnetBlock2DParams {
  const params: ResnetBlock2DParams = {
    norm1: groupNorm.init(inChannels),
    conv1: conv2d.init(fold(key, 0), inChannels, outChannels, 3),
    ...(timeEmbedDim ? { time_emb_proj: linear.init(fold(key, 1), timeEmbedDim, outChannels) } : {}),
    norm2: groupNorm.init(outChannels),
    conv2: zerosLike(conv2d.init(key, outChannels, outChannels, 3)),
  };
  if (inChannels !== outChannels) {
    params.conv_shortcut = conv2d.init(
      fold(key, 2),
      inChannels,
      outChannels,
      1,
    );
  }
  return params;
}

/**
 * `x + conv2(silu(norm2(conv1(silu(norm1 x)) + proj(silu time))))`; without a time, without its term.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param time Time embedding, `[B, T]`, for a block with a projection of it.
 * @param groups Groups of the norms.
 * @param eps Epsilon of the norms.
 * @returns `[B, C', H, W]`.
 */
export function apply(
  params: ResnetBlock2DParams,
  x: Tensor,
  time: Tensor | undefined,
  groups: number,
  eps: number,
): Tensor {
  let h = groupNorm.apply(params.norm1, x, groups, eps).silu();
  h = conv2d.apply(params.conv1, h, { padding: 1 });
  if (params.time_emb_proj && time) {
    const shift = linear.apply(params.time_emb_proj, time.silu());
    h = h.add(shift.reshape([...shift.shape, 1, 1]));
  }
  h = groupNorm.apply(params.norm2, h, groups, eps).silu();
  h = conv2d.apply(params.conv2, h, { padding: 1 });
  const shortcut = params.conv_shortcut ? conv2d.apply(params.conv_shortcut, x) : x;
  return shortcut.add(h);
}
