import { cat, interpolate, type Tensor, tensor } from "@dipp/tensor";
import { cropOffset, type CropRule, type Fit, padding, resizedSize } from "./geometry.ts";
import { pillowResize } from "./pillow_resize.ts";
import { checkRgbImage, type RgbImage } from "./rgb_image.ts";

/** How images become the input of a network. Every field changes scores. */
export interface PreprocessOptions {
  /** Side of the square that the network takes, in pixels. */
  readonly size: number;
  /** How the square is reached. */
  readonly fit: Fit;
  /** Whose centre crop, where `fit` is "crop". */
  readonly crop: CropRule;
  /**
   * What the exact path resizes: the 8-bit picture, as Pillow does (with antialiasing, and rounding to 8 bits twice),
   * or the float tensor after `ToTensor`, without rounding and without clipping.
   */
  readonly resize: "picture" | "tensor";
  /**
   * Whether resizing a tensor (the differentiable path; and the exact one where `resize` is "tensor") widens the bicubic
   * filter where the image shrinks. Without it the filter is torch's plain one (a = -3/4).
   */
  readonly antialias: boolean;
  /**
   * Whether a resized tensor is clamped to [0, 1], as a picture is; it brings the differentiable path nearer to Pillow's
   * next to pure black and white, and takes the gradient from what overshoots. Official for nobody.
   */
  readonly clamp: boolean;
  /** Subtracted from each channel. */
  readonly mean: readonly [number, number, number];
  /** What each channel is divided by. */
  readonly std: readonly [number, number, number];
}

/** An image's way into a network, exact or differentiable. */
export interface Preprocess {
  /** The settings, complete. */
  readonly options: PreprocessOptions;
  /**
   * As the official code does it, for evaluation: 8-bit pictures of any sizes in.
   *
   * @returns `[B, 3, size, size]`
   */
  exact(images: readonly RgbImage[]): Tensor;
  /**
   * In the graph, for training: antialiased bicubic resize as two matrices, crop or padding, normalisation.
   *
   * @param images `[B, 3, H, W]` in [0, 1]
   * @returns `[B, 3, size, size]`
   */
  differentiable(images: Tensor): Tensor;
}

/** The evaluation transform of CLIP, open_clip and ImageReward at 224 pixels. */
export const CLIP_PREPROCESS: PreprocessOptions = {
  size: 224,
  fit: "crop",
  crop: "torchvision",
  resize: "picture",
  antialias: true,
  clamp: false,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/**
 * HPSv2's: resized after `ToTensor`, the longer side to 224, then zeros around. Whether torchvision antialiases a
 * tensor depends on its version: from 0.17 on by default, before not.
 */
export const HPSV2_PREPROCESS: PreprocessOptions = { ...CLIP_PREPROCESS, fit: "pad", resize: "tensor" };

/**
 * Makes the two ways into a network.
 *
 * @param options what differs from CLIP's transform, {@linkcode CLIP_PREPROCESS}
 * @returns both
 * @throws {RangeError} when the size is no positive integer or a std is not positive
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { preprocess, toRgbImages } from "@dipp/rewards";
 * import { key, uniform } from "@dipp/tensor";
 *
 * const images = uniform(key(0), [2, 3, 40, 60]);
 * const { exact, differentiable } = preprocess({ size: 28 });
 * assertEquals(differentiable(images).shape, [2, 3, 28, 28]);
 * assertEquals(exact(await toRgbImages(images)).shape, [2, 3, 28, 28]);
 * ```
 */
export function preprocess(options: Partial<PreprocessOptions> = {}): Preprocess {
  const all: PreprocessOptions = { ...CLIP_PREPROCESS, ...options };
  if (!Number.isInteger(all.size) || all.size < 1) {
    throw new RangeError(`preprocess: size is ${all.size}, expected a positive integer`);
  }
  if (!all.std.every((s) => s > 0)) throw new RangeError(`preprocess: std is [${all.std}], expected positive numbers`);
  return {
    options: all,
    exact(images) {
      if (images.length === 0) throw new RangeError("preprocess: expected at least one image");
      return cat(
        images.map((image) => {
          if (all.resize === "tensor") return fromTensor(asTensor(image), all);
          const [height, width] = resizedSize(image.height, image.width, all.size, all.fit);
          return square(asTensor(pillowResize(image, width, height)), all);
        }),
        0,
      );
    },
    differentiable(images) {
      if (images.ndim !== 4 || images.shape[1] !== 3) {
        throw new TypeError(`preprocess: images have shape [${images.shape}], expected [B, 3, H, W]`);
      }
      return fromTensor(images, all);
    },
  };
}

/** A picture as `ToTensor` gives it. */
function asTensor(image: RgbImage): Tensor {
  checkRgbImage(image);
  const { width, height, rgb } = image;
  const values = Float32Array.from(rgb, (byte) => byte / 255);
  return tensor(values, [1, height, width, 3]).permute([0, 3, 1, 2]);
}

/** The whole way of a float tensor. */
function fromTensor(images: Tensor, options: PreprocessOptions): Tensor {
  const [, , height, width] = images.shape;
  const to = resizedSize(height, width, options.size, options.fit);
  if (to[0] === height && to[1] === width) return square(images, options);
  const resized = interpolate(images, { size: to, mode: "bicubic", antialias: options.antialias });
  return square(options.clamp ? resized.clamp(0, 1) : resized, options);
}

/** Crops or pads what was resized, and normalises it. */
function square(x: Tensor, { size, fit, crop, mean, std }: PreprocessOptions): Tensor {
  const to = x.shape.slice(2);
  if (fit === "pad") {
    x = x.pad([[0, 0], [0, 0], padding(to[0], size), padding(to[1], size)]);
  } else {
    const [top, left] = to.map((length) => cropOffset(length, size, crop));
    x = x.slice([null, null, [top, top + size], [left, left + size]]);
  }
  const perChannel = (values: readonly number[]) => tensor([...values], [1, 3, 1, 1]);
  return x.sub(perChannel(mean)).div(perChannel(std));
}
