/** Pooling: means and maxima over windows. */
import { tensor } from "../creation.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Pair } from "./conv2d.ts";
import { indexSelect, where } from "./indexing.ts";
import { type AxisMap, imageShape, resample, type Taps } from "./resample.ts";

/** Settings of a pooling, named as in torch. */
export interface PoolOptions {
  /** Step between windows; the window's size by default. */
  readonly stride?: Pair | undefined;
  /** Rows and columns added on each side, at most half a window; 0 by default. */
  readonly padding?: Pair;
  /** Keeps a last window that only partly lies inside; false by default. */
  readonly ceilMode?: boolean;
}

/** Windows along one axis. */
interface Windows {
  readonly length: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly count: number;
}

const pair = (p: Pair): readonly [number, number] => typeof p === "number" ? [p, p] : p;

function windows(x: Tensor, op: string, kernel: Pair, options: PoolOptions & { readonly dilation?: Pair }): Windows[] {
  const [, , ...size] = imageShape(x.shape, op);
  const [k, s, p, d] = [kernel, options.stride ?? kernel, options.padding ?? 0, options.dilation ?? 1].map(pair);
  return size.map((length, i) => {
    const [kernel, stride, padding, dilation] = [k[i], s[i], p[i], d[i]];
    const wrong = [kernel, stride, dilation].some((n) => !Number.isInteger(n) || n < 1) ||
      !Number.isInteger(padding) || padding < 0 || padding > kernel / 2;
    const steps = (length + 2 * padding - dilation * (kernel - 1) - 1) / stride;
    if (wrong || steps < 0) {
      throw new RangeError(
        `Cannot apply ${op} to ${show(x.shape)} with kernel ${show(k)}, stride ${show(s)}, padding ${show(p)} and ` +
          `dilation ${show(d)}: expected positive sizes, padding of at most half a window, and room for one window`,
      );
    }
    let count = (options.ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // The last window must start inside the image or its near padding
    if (options.ceilMode && (count - 1) * stride >= length + padding) count--;
    return { length, kernel, stride, padding, dilation, count };
  });
}

/**
 * Mean over windows (torch.nn.functional.avg_pool2d).
 *
 * @param x [N, C, H, W].
 * @param kernel Size of a window.
 * @param options Geometry; countIncludePad counts padding as zeros of the mean (true by default).
 * @returns [N, C, oH, oW].
 *
 * @example
 * ```ts
 * import { avgPool2d, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2, 3, 4]).reshape([1, 1, 2, 2]);
 * assertEquals([...await avgPool2d(x, 2).data()], [2.5]);
 * ```
 */
export function avgPool2d(
  x: Tensor,
  kernel: Pair,
  options: PoolOptions & { readonly countIncludePad?: boolean } = {},
): Tensor {
  const axes = windows(x, "avgPool2d", kernel, options);
  if (axes.every((a) => a.stride === a.kernel && a.padding === 0 && a.count * a.kernel === a.length)) {
    const [n, c] = x.shape;
    const [v, h] = axes;
    return x.reshape([n, c, v.count, v.kernel, h.count, h.kernel]).mean([3, 5]);
  }
  const { countIncludePad = true } = options;
  const [vertical, horizontal] = axes.map(({ length, kernel, stride, padding, count }): AxisMap => ({
    length,
    taps: Array.from({ length: count }, (_, i) => {
      const start = i * stride - padding;
      // Of the padding, only what was asked for counts, not what ceilMode adds
      const end = Math.min(start + kernel, length + padding);
      const first = Math.max(0, start);
      const inside = Math.min(end, length) - first;
      return mean(first, inside, countIncludePad ? end - start : inside);
    }),
  }));
  return resample(x, vertical, horizontal);
}

/**
 * Mean over windows that share the image out evenly (torch.nn.functional.adaptive_avg_pool2d): window k of an axis
 * covers floor(k n / o) to ceil((k + 1) n / o).
 *
 * @param x [N, C, H, W].
 * @param size Height and width of the result.
 * @returns [N, C, ...size].
 */
export function adaptiveAvgPool2d(x: Tensor, size: Pair): Tensor {
  const [, , ...from] = imageShape(x.shape, "adaptiveAvgPool2d");
  const [vertical, horizontal] = adaptiveSize(x, size).map((to, i): AxisMap => {
    const taps = Array.from({ length: to }, (_, k) => {
      const { first, count } = adaptiveBin(k, from[i], to);
      return mean(first, count, count);
    });
    return to === from[i] ? null : { length: from[i], taps };
  });
  return resample(x, vertical, horizontal);
}

function mean(first: number, count: number, divisor: number): Taps {
  return { first, weights: new Array<number>(Math.max(0, count)).fill(1 / divisor) };
}

/**
 * Largest value of windows (torch.nn.functional.max_pool2d); padding never wins, and of equal values the first one, in
 * row-major order of the window, gets the gradient.
 *
 * @param x [N, C, H, W].
 * @param kernel Size of a window.
 * @param options Geometry; dilation is the step between the positions of a window (1 by default).
 * @returns [N, C, oH, oW].
 */
export function maxPool2d(
  x: Tensor,
  kernel: Pair,
  options: PoolOptions & { readonly dilation?: Pair } = {},
): Tensor {
  const [v, h] = windows(x, "maxPool2d", kernel, options);
  const reach = (a: Windows) => (a.count - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
  const beyond = (a: Windows): [number, number] => [a.padding, Math.max(0, reach(a) - a.length - a.padding)];
  const padded = x.pad([[0, 0], [0, 0], beyond(v), beyond(h)], -Infinity);
  const axis = (a: Windows, k: number): [number, number, number] => {
    const start = k * a.dilation;
    return [start, start + (a.count - 1) * a.stride + 1, a.stride];
  };
  let best: Tensor | undefined;
  for (let i = 0; i < v.kernel; i++) {
    for (let j = 0; j < h.kernel; j++) {
      const tap = padded.slice([null, null, axis(v, i), axis(h, j)]);
      best = best ? where(tap.gt(best), tap, best) : tap;
    }
  }
  return best!;
}

/**
 * Largest value of the windows of {@linkcode adaptiveAvgPool2d} (torch.nn.functional.adaptive_max_pool2d); of equal
 * values the first one gets the gradient.
 *
 * @param x [N, C, H, W].
 * @param size [oH, oW], or one number for both.
 * @returns [N, C, ...size].
 */
export function adaptiveMaxPool2d(x: Tensor, size: Pair): Tensor {
  const [, , ...from] = imageShape(x.shape, "adaptiveMaxPool2d");
  const counts = adaptiveSize(x, size);
  const longest = [0, 0];
  const spread = counts.reduce<Tensor>((y, to, i) => {
    const bins = Array.from({ length: to }, (_, k) => adaptiveBin(k, from[i], to));
    longest[i] = Math.max(...bins.map((bin) => bin.count));
    // Short windows repeat their last element, which is never the first of its value
    const source = bins.flatMap(({ first, count }) =>
      Array.from({ length: longest[i] }, (_, j) => first + Math.min(j, count - 1))
    );
    return indexSelect(y, i + 2, tensor(Int32Array.from(source)));
  }, x);
  return maxPool2d(spread, [longest[0], longest[1]]);
}

/** Where window k of `to` lies on an axis of length `from`. */
function adaptiveBin(k: number, from: number, to: number): { first: number; count: number } {
  const first = Math.floor(k * from / to);
  return { first, count: Math.ceil((k + 1) * from / to) - first };
}

function adaptiveSize(x: Tensor, size: Pair): readonly number[] {
  const both: readonly number[] = pair(size);
  if (both.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new RangeError(`Cannot pool ${show(x.shape)} to size ${show(both)}: expected positive integers`);
  }
  return both;
}
