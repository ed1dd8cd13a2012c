/** Sizes and offsets of the official pipelines, to the pixel. */

/**
 * How an image is brought to a square: the shorter side to its length, then a centre crop; the longer side to its
 * length, then zeros around; or both sides, whatever the aspect ratio.
 */
export type Fit = "crop" | "pad" | "stretch";

/** Whose centre crop: torchvision rounds half a pixel to even, transformers down. They differ where the rest is 3 mod 4. */
export type CropRule = "torchvision" | "transformers";

/** Python's `round`: half to even. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/**
 * The size to which an image is resized before it is cropped or padded.
 *
 * @param height rows of the image
 * @param width columns of the image
 * @param size side of the square that is wanted
 * @param fit how to get there
 * @returns rows and columns
 */
export function resizedSize(height: number, width: number, size: number, fit: Fit): [height: number, width: number] {
  if (fit === "stretch") return [size, size];
  if (fit === "pad") {
    const scale = size / Math.max(height, width);
    // A long thin image would round to nothing
    return [Math.max(1, roundHalfEven(height * scale)), Math.max(1, roundHalfEven(width * scale))];
  }
  const long = Math.trunc(size * Math.max(height, width) / Math.min(height, width));
  return height < width ? [size, long] : [long, size];
}

/**
 * Where the centre crop begins on an axis.
 *
 * @param length the axis
 * @param size the crop
 * @param rule whose crop
 * @returns the first position
 */
export function cropOffset(length: number, size: number, rule: CropRule): number {
  const half = (length - size) / 2;
  return rule === "torchvision" ? roundHalfEven(half) : Math.floor(half);
}

/**
 * How many zeros go before an axis and after it; the smaller half goes before.
 *
 * @param length the axis
 * @param size what it is padded to
 * @returns before and after
 */
export function padding(length: number, size: number): [before: number, after: number] {
  const before = Math.floor((size - length) / 2);
  return [before, size - length - before];
}
