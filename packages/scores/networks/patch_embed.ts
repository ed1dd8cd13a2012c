/**
 * Patches of an image as tokens, diffusers' `PatchEmbed` without positions.
 *
 * @module
 */

import { type Conv2dParams, linear } from "@dipp/nn";
import { type Tensor, uniform, zeros } from "@dipp/tensor";

/** Parameters of the patches' projection, with diffusers' names. */
export type PatchEmbedParams = {
  /** A convolution with the patch as kernel and stride. */
  proj: Conv2dParams;
};

/**
 * Draws the parameters: Xavier's bound for the projection seen as a linear
 * layer, zero bias.
 *
 * @param key The random key.
 * @param channels Channels of the sample.
 * @param patch Side of a patch.
 * @param width Width of the tokens.
 * @returns The parameters.
 */
export function init(key: Tensor, channels: number, patch: number, width: number): PatchEmbedParams {
  const bound = Math.sqrt(6 / (channels * patch * patch + width));
  return {
    proj: {
      weight: uniform(key, [width, channels, patch, patch], -bound, bound),
      bias: zeros([width]),
    },
  };
}

/**
 * Cuts a sample into patches and projects each. The convolution's patches do
 * not overlap, so it is a linear layer over them.
 *
 * @param params The parameters.
 * @param x Sample, `[B, C, rows * patch, columns * patch]`.
 * @returns Tokens, `[B, rows * columns, D]`.
 */
export function apply(params: PatchEmbedParams, x: Tensor): Tensor {
  const { weight, bias } = params.proj;
  const [width, channels, patch] = weight.shape;
  const [batch, , height, across] = x.shape;
  const [rows, columns] = [height / patch, across / patch];
  const patches = x.reshape([batch, channels, rows, patch, columns, patch])
    .permute([0, 2, 4, 1, 3, 5])
    .reshape([batch, rows * columns, channels * patch * patch]);
  return linear.apply({ weight: weight.reshape([width, -1]), bias }, patches);
}

/**
 * How many patches there are.
 *
 * @param x Sample, `[B, C, H, W]`.
 * @param patch Side of a patch.
 * @returns Rows and columns.
 * @throws {RangeError} When the patch does not divide height and width.
 */
export function grid(x: Tensor, patch: number): [rows: number, columns: number] {
  const [, , height, width] = x.shape;
  if (height % patch === 0 && width % patch === 0) return [height / patch, width / patch];
  throw new RangeError(
    `A sample's height and width must be multiples of the patch ${patch}, got shape [${x.shape}]`,
  );
}

/**
 * Puts patches together.
 *
 * @param tokens `[B, rows * columns, patch * patch * C]`, channels last.
 * @param rows Patches down.
 * @param columns Patches across.
 * @param patch Side of a patch.
 * @returns `[B, C, rows * patch, columns * patch]`.
 */
export function unpatchify(tokens: Tensor, rows: number, columns: number, patch: number): Tensor {
  const batch = tokens.shape[0];
  const channels = tokens.shape[2] / patch ** 2;
  return tokens.reshape([batch, rows, columns, patch, patch, channels])
    .permute([0, 5, 1, 3, 2, 4])
    .reshape([batch, channels, rows * patch, columns * patch]);
}
