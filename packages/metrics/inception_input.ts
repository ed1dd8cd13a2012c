import { interpolate, type Tensor } from "@dipp/tensor";

/** Who brings images to the size of Inception: the numbers that follow differ, so a report must say it. */
export type InceptionResize = "clean-fid" | "pytorch-fid";

/** Side of the images that Inception v3 takes. */
const SIZE = 299;

/**
 * Images as Inception v3 takes them. clean-fid (Parmar, Zhang and Zhu 2022) resizes with Pillow's antialiased bicubic
 * filter without rounding or clipping and maps x to (255 x - 128) / 128; pytorch-fid resizes bilinearly without
 * antialiasing and maps x to 2 x - 1.
 *
 * @param images `[B, 3, H, W]` in [0, 1]
 * @param resize which of the two
 * @returns `[B, 3, 299, 299]`
 * @throws {RangeError} when there is no such way
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { inceptionInput } from "@dipp/metrics";
 * import { full } from "@dipp/tensor";
 *
 * const grey = full([1, 3, 8, 8], 0.5);
 * assertAlmostEquals((await inceptionInput(grey, "clean-fid").data())[0], -0.5 / 128, 1e-6);
 * assertAlmostEquals((await inceptionInput(grey, "pytorch-fid").data())[0], 0, 1e-6);
 * ```
 */
export function inceptionInput(images: Tensor, resize: InceptionResize): Tensor {
  const size = [SIZE, SIZE] as const;
  switch (resize) {
    case "clean-fid":
      return interpolate(images, { size, mode: "bicubic", antialias: true }).mul(255).sub(128).div(128);
    case "pytorch-fid":
      return interpolate(images, { size, mode: "bilinear" }).mul(2).sub(1);
    default:
      throw new RangeError(`Inception's resize is "${resize}", expected "clean-fid" or "pytorch-fid"`);
  }
}
