import { checkRgbImage, type RgbImage } from "./rgb_image.ts";

/** Fractional bits of Pillow's fixed-point weights: 32, less 8 of a pixel, less 2 for sums of negative weights. */
const PRECISION_BITS = 22;
/** Half the width of the cubic kernel. */
const SUPPORT = 2;

/** The weights of one output position, in units of 2^-22: of the input positions from `first` on. */
interface Taps {
  readonly first: number;
  readonly weights: Int32Array;
}

/** Keys' cubic convolution with a = -1/2. */
function cubic(x: number): number {
  const t = Math.abs(x), a = -0.5;
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

/** What each output position takes of an axis: a kernel as wide as what it covers, normalised, then rounded. */
function axisTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - SUPPORT * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + SUPPORT * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => cubic((k + first - centre + 0.5) * (1 / stretch)));
    const total = raw.reduce((a, b) => a + b, 0);
    const fixed = raw.map((w) => {
      const scaled = w / total * 2 ** PRECISION_BITS;
      return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    });
    return { first, weights: Int32Array.from(fixed) };
  });
}

/**
 * Applies taps along one axis of interleaved bytes, rounding to 8 bits.
 *
 * @param source the bytes
 * @param lines how many lines run along the axis
 * @param lineStart where a line begins in the source and in the result
 * @param step from one position of the axis to the next, in the source and in the result
 */
function convolve(
  source: Uint8Array,
  result: Uint8Array,
  taps: readonly Taps[],
  lines: number,
  lineStart: (line: number) => readonly [from: number, to: number],
  step: readonly [from: number, to: number],
): void {
  for (let line = 0; line < lines; line++) {
    const [from, to] = lineStart(line);
    for (let i = 0; i < taps.length; i++) {
      const { first, weights } = taps[i];
      // Fits 32 bits: the weights sum to 2^22 and their magnitudes to less than twice that
      let sum = 1 << (PRECISION_BITS - 1);
      for (let k = 0; k < weights.length; k++) sum += source[from + (first + k) * step[0]] * weights[k];
      result[to + i * step[1]] = Math.min(255, Math.max(0, sum >> PRECISION_BITS));
    }
  }
}

/**
 * Pillow's `Image.resize(size, Image.BICUBIC)` for 8-bit RGB, byte for byte: antialiased, rows first and columns after
 * in integer arithmetic, each rounded to 8 bits. The official pipelines of CLIP and ImageReward resize with it.
 *
 * Source: Keys 1981 for the kernel; what is rounded, and where, is what `Resample.c` of Pillow 12.3 computes.
 *
 * @param image the picture
 * @param width columns of the result
 * @param height rows of the result
 * @returns the resized picture; the same one where the size is the same
 * @throws {RangeError} when a size is no positive integer, or the picture's bytes do not fit its size
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pillowResize } from "@dipp/rewards";
 *
 * const image = { width: 4, height: 1, rgb: new Uint8Array(12).fill(200) };
 * assertEquals(pillowResize(image, 2, 1), { width: 2, height: 1, rgb: new Uint8Array(6).fill(200) });
 * ```
 */
export function pillowResize(image: RgbImage, width: number, height: number): RgbImage {
  checkRgbImage(image);
  if (![width, height].every((n) => Number.isInteger(n) && n > 0)) {
    throw new RangeError(`Cannot resize to ${width}x${height}: expected positive integers`);
  }
  let { rgb } = image;
  if (width !== image.width) {
    const wide = new Uint8Array(width * image.height * 3);
    const starts = (line: number) => {
      const [row, channel] = [Math.floor(line / 3), line % 3];
      return [row * image.width * 3 + channel, row * width * 3 + channel] as const;
    };
    convolve(rgb, wide, axisTaps(image.width, width), image.height * 3, starts, [3, 3]);
    rgb = wide;
  }
  if (height !== image.height) {
    const tall = new Uint8Array(width * height * 3);
    convolve(rgb, tall, axisTaps(image.height, height), width * 3, (line) => [line, line], [width * 3, width * 3]);
    rgb = tall;
  }
  return { width, height, rgb };
}
