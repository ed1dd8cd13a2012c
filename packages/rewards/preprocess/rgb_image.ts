import type { Tensor } from "@dipp/tensor";

/** An 8-bit RGB picture: `rgb[(y * width + x) * 3 + channel]`. */
export interface RgbImage {
  /** Columns, in pixels. */
  readonly width: number;
  /** Rows, in pixels. */
  readonly height: number;
  /** Interleaved bytes, `height * width * 3` of them. */
  readonly rgb: Uint8Array;
}

/**
 * Checks that the bytes of a picture are as many as its size says.
 *
 * @param image the picture
 * @throws {RangeError} when they are not, or the size is none
 */
export function checkRgbImage({ width, height, rgb }: RgbImage): void {
  if (![width, height].every((n) => Number.isInteger(n) && n > 0)) {
    throw new RangeError(`Image size is ${width}x${height}, expected positive integers`);
  }
  if (rgb.length !== width * height * 3) {
    throw new RangeError(`Image of ${width}x${height} has ${rgb.length} bytes, expected ${width * height * 3}`);
  }
}

/**
 * Images of the engine as the 8-bit pictures that would be saved: round(255 x), as diffusers and torchvision save them.
 *
 * @param images `[B, 3, H, W]` in [0, 1]; what lies outside is clipped
 * @returns B pictures
 * @throws {TypeError} when the images have another shape
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { toRgbImages } from "@dipp/rewards";
 * import { full } from "@dipp/tensor";
 *
 * const [image] = await toRgbImages(full([1, 3, 1, 2], 0.5));
 * assertEquals(image, { width: 2, height: 1, rgb: new Uint8Array(6).fill(128) });
 * ```
 */
export async function toRgbImages(images: Tensor): Promise<RgbImage[]> {
  const [batch, channels, height, width] = images.shape;
  if (images.ndim !== 4 || channels !== 3) {
    throw new TypeError(`Images have shape [${images.shape}], expected [B, 3, H, W]`);
  }
  const planar = await images.data();
  const pixels = height * width;
  return Array.from({ length: batch }, (_, b) => {
    const rgb = new Uint8Array(3 * pixels);
    for (let i = 0; i < 3 * pixels; i++) {
      const value = planar[(b * 3 + i % 3) * pixels + Math.floor(i / 3)];
      rgb[i] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
    return { width, height, rgb };
  });
}
