import { conv2d, type Conv2dParams } from "@dipp/nn";
import { type Tensor, upsampleNearest2d } from "@dipp/tensor";

/** Parameters of a down- or upsampler: a 3x3 convolution. */
export type ResampleParams = {
  /** The convolution. */
  conv: Conv2dParams;
};

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param channels Width.
 * @returns The parameters.
 */
export function init(key: Tensor, channels: number): ResampleParams {
  return { conv: conv2d.init(key, channels, channels, 3) };
}

/**
 * Halves the resolution with a strided convolution; odd sizes round up.
 *
 * @param params The parameters.
 * @param x `[B, C, H, W]`.
 * @returns `[B, C, ceil(H / 2), ceil(W / 2)]`.
 */
export function downsample(params: ResampleParams, x: Tensor): Tensor {
  return conv2d.apply(params.conv, x, { stride: 2, padding: 1 });
}

/**
 * Halves the resolution with a strided convolution that is padded at the right and the bottom alone, as an autoencoder
 * does; odd sizes round down.
 *
 * @param params The parameters.
 * @param x `[B, C, H, W]`.
 * @returns `[B, C, floor(H / 2), floor(W / 2)]`.
 */
export function downsampleAfter(params: ResampleParams, x: Tensor): Tensor {
  return conv2d.apply(params.conv, x.pad([[0, 0], [0, 0], [0, 1], [0, 1]]), { stride: 2 });
}

/**
 * Enlarges to a size (nearest neighbour) and convolves.
 *
 * @param params The parameters.
 * @param x `[B, C, H, W]`.
 * @param size Height and width; in a UNet, those of the skip connection that comes next.
 * @returns `[B, C, ...size]`.
 */
export function upsample(
  params: ResampleParams,
  x: Tensor,
  size: [number, number],
): Tensor {
  return conv2d.apply(params.conv, upsampleNearest2d(x, size), { padding: 1 });
}
