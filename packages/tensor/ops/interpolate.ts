/** Resizing of images. */
import { tensor } from "../creation.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { upsampleNearest2d } from "./conv2d.ts";
import { indexSelect } from "./indexing.ts";
import { adaptiveAvgPool2d } from "./pool.ts";
import { type AxisMap, imageShape, resample, type Taps } from "./resample.ts";

/**
 * How positions between pixels get their value: the pixel at the scaled position, that at the scaled centre, a filter,
 * or the mean of what an output pixel covers.
 */
export type InterpolateMode = "nearest" | "nearest-exact" | "bilinear" | "bicubic" | "area";

/** Settings of a resize, named as in torch. */
export interface InterpolateOptions {
  /** Height and width of the result. */
  readonly size?: readonly [number, number];
  /** Instead of size: the factor on both axes, or one for each; the result's lengths are rounded down. */
  readonly scaleFactor?: number | readonly [number, number];
  /** How positions between pixels get their value; "nearest" by default. */
  readonly mode?: InterpolateMode;
  /** Puts the centres of the corner pixels on each other rather than the corners of the images; false by default. */
  readonly alignCorners?: boolean;
  /** Widens the filter where the image shrinks, as Pillow does; false by default. */
  readonly antialias?: boolean;
}

/** One axis: from how many pixels to how many, and input pixels an output pixel. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
}

const triangle = (x: number) => Math.max(0, 1 - Math.abs(x));

/** Keys' cubic convolution kernel. */
const cubic = (a: number) => (x: number) => {
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? a * (((t - 5) * t + 8) * t - 4) : 0;
};

// torch's bicubic takes a = -0.75; with antialias it follows Pillow, which takes -0.5
const FILTERS = {
  bilinear: { plain: triangle, antialias: triangle, support: 1 },
  bicubic: { plain: cubic(-0.75), antialias: cubic(-0.5), support: 2 },
};

/** Taps of a filter of fixed width, its positions outside the image moved to the edge. */
function plainTaps({ from, to, scale }: Axis, mode: keyof typeof FILTERS, alignCorners: boolean): Taps[] {
  const { plain, support } = FILTERS[mode];
  return Array.from({ length: to }, (_, i) => {
    const centre = alignCorners ? i * scale : (i + 0.5) * scale - 0.5;
    // torch holds a linear filter's centre inside the image and lets a cubic one's leave it
    const at = mode === "bilinear" ? Math.max(0, centre) : centre;
    const weights = new Array<number>(from).fill(0);
    for (let k = Math.floor(at) - support + 1; k <= Math.floor(at) + support; k++) {
      weights[Math.min(from - 1, Math.max(0, k))] += plain(at - k);
    }
    return { first: 0, weights };
  });
}

/** Taps of a filter as wide as the pixels that an output pixel covers, normalised, cut off at the edge. */
function antialiasTaps({ from, to, scale }: Axis, mode: keyof typeof FILTERS): Taps[] {
  const { antialias, support } = FILTERS[mode];
  const stretch = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support * stretch + 0.5));
    const end = Math.min(from, Math.floor(centre + support * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => antialias((first + k - centre + 0.5) / stretch));
    const total = raw.reduce((a, b) => a + b, 0);
    return { first, weights: raw.map((w) => w / total) };
  });
}

/** Takes the pixel at (k + shift) times the scale. */
function pickNearest(x: Tensor, axis: number, to: number, factor: number | undefined, shift: number): Tensor {
  const from = x.shape[axis];
  // Without a factor multiplied first, so that no quotient falls just short of an integer
  const place = (k: number) => factor === undefined ? (k + shift) * from / to : (k + shift) / factor;
  const source = Int32Array.from({ length: to }, (_, k) => Math.min(from - 1, Math.floor(place(k))));
  return indexSelect(x, axis, tensor(source));
}

/**
 * Resizes images (torch.nn.functional.interpolate, `recompute_scale_factor` unset). The weights are those of torch,
 * computed in float64.
 *
 * @param x [N, C, H, W].
 * @param options The new size, or the factor on the old one, and the filter.
 * @returns [N, C, h, w].
 * @throws {RangeError} If x is no batch of images, or neither or both of size and scaleFactor are given.
 *
 * @example Halving with Pillow's filter
 * ```ts
 * import { interpolate, ones } from "@dipp/tensor";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const small = interpolate(ones([1, 3, 8, 8]), { size: [4, 4], mode: "bicubic", antialias: true });
 * assertEquals(small.shape, [1, 3, 4, 4]);
 * assertAlmostEquals((await small.data())[0], 1, 1e-6);
 * ```
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const { mode = "nearest", alignCorners = false, antialias = false, scaleFactor } = options;
  const [, , ...from] = imageShape(x.shape, "interpolate");
  if ((options.size === undefined) === (scaleFactor === undefined)) {
    throw new RangeError(`Cannot interpolate ${show(x.shape)}: expected either size or scaleFactor`);
  }
  const factors = typeof scaleFactor === "number" ? [scaleFactor, scaleFactor] : scaleFactor;
  const size: readonly number[] = options.size ?? factors!.map((f, i) => Math.floor(from[i] * f));
  if (size.length !== 2 || size.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new RangeError(`Cannot interpolate ${show(x.shape)} to size ${show(size)}: expected two positive integers`);
  }
  if (!["nearest", "nearest-exact", "area", ...Object.keys(FILTERS)].includes(mode)) {
    throw new RangeError(
      `Cannot interpolate in mode ${mode}: expected nearest, nearest-exact, bilinear, bicubic or area`,
    );
  }
  if (mode === "area" || mode === "nearest" || mode === "nearest-exact") {
    if (alignCorners || antialias) {
      throw new RangeError(`Cannot interpolate in mode ${mode} with alignCorners or antialias: expected another mode`);
    }
    if (mode === "area") return adaptiveAvgPool2d(x, [size[0], size[1]]);
    if (mode === "nearest" && !factors) return upsampleNearest2d(x, [size[0], size[1]]);
    return size.reduce((y, to, i) => pickNearest(y, i + 2, to, factors?.[i], mode === "nearest" ? 0 : 0.5), x);
  }
  const maps = size.map((to, i): AxisMap => {
    const plain = alignCorners ? (to > 1 ? (from[i] - 1) / (to - 1) : 0) : from[i] / to;
    const scale = factors && !alignCorners ? 1 / factors[i] : plain;
    const axis = { from: from[i], to, scale };
    if (to === from[i] && scale === 1) return null;
    return { length: from[i], taps: antialias ? antialiasTaps(axis, mode) : plainTaps(axis, mode, alignCorners) };
  });
  return resample(x, maps[0], maps[1]);
}
