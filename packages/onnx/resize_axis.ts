/** What each position of a resized axis takes from the axis (the definition of Resize-19). */

/** One axis that is resized. */
export interface AxisResize {
  /** Which. */
  readonly axis: number;
  /** Its length. */
  readonly from: number;
  /** Its new length. */
  readonly to: number;
  /** New positions for each old one. */
  readonly scale: number;
  /** Part of the axis that is seen, as fractions; only for tf_crop_and_resize. */
  readonly roi: readonly [number, number];
}

/** How a new position lies on the old axis. */
export type CoordinateMode =
  | "half_pixel"
  | "half_pixel_symmetric"
  | "pytorch_half_pixel"
  | "align_corners"
  | "asymmetric"
  | "tf_half_pixel_for_nn"
  | "tf_crop_and_resize";

/** Which old position is the nearest. */
export type NearestMode = "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";

/** Filter of a linear or cubic resize. */
export interface ResizeFilter {
  /** Kind of filter. */
  readonly mode: "linear" | "cubic";
  /** How positions lie. */
  readonly coordinates: CoordinateMode;
  /** Coefficient of the cubic filter; -0.75 by default. */
  readonly cubic?: number;
  /** Widens the filter where the axis shrinks. */
  readonly antialias?: boolean;
  /** Leaves positions outside out, instead of moving them to the edge. */
  readonly excludeOutside?: boolean;
  /** Value outside of tf_crop_and_resize; only 0 is linear. */
  readonly outside?: number;
}

/** Where new position i lies on the old axis. */
function sourceOf(i: number, { from, to, scale, roi: [start, end] }: AxisResize, mode: CoordinateMode): number {
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      const adjustment = to / (scale * from);
      return from / 2 * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return to > 1 ? i * (from - 1) / (to - 1) : 0;
    case "asymmetric":
      return i / scale;
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale;
    case "tf_crop_and_resize":
      return to > 1 ? start * (from - 1) + i * (end - start) * (from - 1) / (to - 1) : 0.5 * (start + end) * (from - 1);
  }
}

/**
 * The old position that each new one takes.
 *
 * @param one The axis.
 * @param coordinates How positions lie.
 * @param nearest Which of two neighbours.
 */
export function nearestSource(one: AxisResize, coordinates: CoordinateMode, nearest: NearestMode): number[] {
  // Positions that are integers but for rounding are these integers
  const clean = (x: number) => Math.abs(x - Math.round(x)) < 1e-9 ? Math.round(x) : x;
  const round = {
    round_prefer_floor: (x: number) => Math.ceil(x - 0.5),
    round_prefer_ceil: (x: number) => Math.floor(x + 0.5),
    floor: Math.floor,
    ceil: Math.ceil,
  }[nearest];
  return Array.from({ length: one.to }, (_, i) => {
    const at = round(clean(sourceOf(i, one, coordinates)));
    return Math.min(one.from - 1, Math.max(0, at));
  });
}

const triangle = (x: number) => Math.max(0, 1 - Math.abs(x));

/** Keys' cubic convolution kernel. */
const keys = (a: number) => (x: number) => {
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? a * (((t - 5) * t + 8) * t - 4) : 0;
};

/**
 * The weights with which each new position takes the old ones, [to, from] row-major.
 *
 * @param one The axis.
 * @param filter The filter.
 * @throws {RangeError} Where positions outside have a value other than 0: the map is not linear then.
 */
export function resizeMatrix(one: AxisResize, filter: ResizeFilter): Float32Array {
  const { mode, coordinates, cubic = -0.75, antialias = false, excludeOutside = false, outside = 0 } = filter;
  const isCrop = coordinates === "tf_crop_and_resize";
  if (isCrop && outside !== 0) throw new RangeError(`extrapolation_value is ${outside}: expected 0`);
  const kernel = mode === "linear" ? triangle : keys(cubic);
  const stretch = antialias ? Math.max(1, 1 / one.scale) : 1;
  const reach = (mode === "linear" ? 1 : 2) * stretch;
  const data = new Float32Array(one.to * one.from);
  for (let i = 0; i < one.to; i++) {
    const at = sourceOf(i, one, coordinates);
    if (isCrop && (at < 0 || at > one.from - 1)) continue;
    const row = new Array<number>(one.from).fill(0);
    let total = 0;
    // A position on the last old one needs no neighbour; both ends are tried, and those too far weigh nothing
    for (let k = Math.floor(at - reach) + 1; k <= Math.ceil(at + reach) - 1 || k === Math.floor(at); k++) {
      const isInside = k >= 0 && k < one.from;
      if (!isInside && excludeOutside) continue;
      const weight = kernel((at - k) / stretch);
      total += weight;
      row[Math.min(one.from - 1, Math.max(0, k))] += weight;
    }
    row.forEach((weight, k) => data[i * one.from + k] = weight / total);
  }
  return data;
}
