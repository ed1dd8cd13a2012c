/**
 * The 2-D convolution of `torch.nn.Conv2d`.
 *
 * @module
 */

import { conv2d, fold, type Tensor } from "@dipp/tensor";
import { kaimingUniform } from "./init.ts";

/** The parameters of a convolution. */
export type Conv2dParams = {
  /** [out, in / groups, height, width]. */
  weight: Tensor;
  /** [out]. */
  bias?: Tensor;
  /** The way down of a low-rank update, a convolution like the layer's own, [rank, in, height, width]. */
  lora_A?: { weight: Tensor };
  /** The way up, a 1x1 convolution, [out, rank, 1, 1]; see {@linkcode withLora}. */
  lora_B?: { weight: Tensor };
};

/** How a convolution moves over the image; one number for both axes. */
export interface Conv2dOptions {
  /** Pixels from one output to the next. Default 1. */
  readonly stride?: number | readonly [number, number];
  /** Zero pixels added at each side. Default 0. */
  readonly padding?: number | readonly [number, number];
  /** Pixels from one tap of the kernel to the next. Default 1. */
  readonly dilation?: number | readonly [number, number];
  /** Groups of channels that do not mix. Default 1. */
  readonly groups?: number;
}

/**
 * Draws the parameters with PyTorch's default initialisation.
 *
 * @param key the random key
 * @param inChannels channels of the input
 * @param outChannels channels of the output
 * @param kernelSize height and width of the kernel; one number for both
 * @param options `bias`: whether there is one, by default true; `groups`
 * @returns the parameters
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { conv2d } from "@dipp/nn";
 * import { key, ones } from "@dipp/tensor";
 *
 * const params = conv2d.init(key(0), 3, 8, 3);
 * const y = conv2d.apply(params, ones([1, 3, 16, 16]), {
 *   stride: 2,
 *   padding: 1,
 * });
 * assertEquals(y.shape, [1, 8, 8, 8]);
 * ```
 */
export function init(
  key: Tensor,
  inChannels: number,
  outChannels: number,
  kernelSize: number | readonly [number, number],
  options: { readonly bias?: boolean; readonly groups?: number } = {},
): Conv2dParams {
  const { bias = true, groups = 1 } = options;
  const [height, width] = typeof kernelSize === "number" ? [kernelSize, kernelSize] : kernelSize;
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new RangeError(
      `Conv2d has ${groups} groups, expected a divisor of its ${inChannels} ` +
        `input and ${outChannels} output channels`,
    );
  }
  const shape = [outChannels, inChannels / groups, height, width];
  const weight = kaimingUniform(fold(key, 0), shape);
  if (!bias) return { weight };
  const fanIn = shape[1] * height * width;
  return {
    weight,
    bias: kaimingUniform(fold(key, 1), [outChannels], { fanIn }),
  };
}

/**
 * Applies the layer, with its low-rank update where it has one. A weight of 16 bits has the input and the product
 * rounded to its dtype, and so their gradients.
 *
 * @param params the parameters
 * @param x [B, in, H, W]
 * @param options see {@linkcode Conv2dOptions}
 * @returns [B, out, H', W']
 * @throws {RangeError} when a layer of several groups has a low-rank update
 */
export function apply(
  params: Conv2dParams,
  x: Tensor,
  options: Conv2dOptions = {},
): Tensor {
  const { weight, bias, lora_A, lora_B } = params;
  let y = conv2d(x.cast(weight.dtype), weight, options).cast(weight.dtype).cast("f32");
  if (lora_A && lora_B) {
    const { groups = 1 } = options;
    if (groups !== 1) throw new RangeError(`A convolution with a low-rank update has ${groups} groups, expected 1`);
    y = y.add(apply(lora_B, apply(lora_A, x, options)));
  }
  return bias ? y.add(bias.reshape([-1, 1, 1])) : y;
}
