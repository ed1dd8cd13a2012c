/** Windows of images as columns, and back (im2col and col2im). */
import { tensor } from "../creation.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { conv2d, type Conv2dOptions, convTranspose2d, type Pair } from "./conv2d.ts";
import { imageShape } from "./resample.ts";

/** Geometry of the windows, named as in torch. */
export type WindowOptions = Pick<Conv2dOptions, "stride" | "padding" | "dilation">;

const pair = (p: Pair): readonly [number, number] => typeof p === "number" ? [p, p] : p;

/** One filter for each position of a window, which picks it: [kH kW, 1, kH, kW]. */
function picks([h, w]: readonly [number, number]): Tensor {
  const n = h * w;
  return tensor(Float32Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0)), [n, 1, h, w]);
}

/**
 * The windows of images, one a column (torch.nn.functional.unfold). Values must be finite: each window is a product
 * with zeros and a one.
 *
 * @param x [N, C, H, W].
 * @param kernel Size of a window.
 * @param options Geometry.
 * @returns [N, C kH kW, L], channels slowest, L windows in row-major order.
 *
 * @example
 * ```ts
 * import { arange, unfold } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const columns = unfold(arange(16).reshape([1, 1, 4, 4]), 2, { stride: 2 });
 * assertEquals(columns.shape, [1, 4, 4]);
 * assertEquals([...await columns.data()].slice(0, 4), [0, 2, 8, 10]);
 * ```
 */
export function unfold(x: Tensor, kernel: Pair, options: WindowOptions = {}): Tensor {
  const [n, c, h, w] = imageShape(x.shape, "unfold");
  const size = pair(kernel);
  const y = conv2d(x.reshape([n * c, 1, h, w]), picks(size), options);
  return y.reshape([n, c * size[0] * size[1], -1]);
}

/**
 * Adds windows up where they lie in the image (torch.nn.functional.fold), the transpose of {@linkcode unfold}.
 *
 * @param columns [N, C kH kW, L].
 * @param size Height and width of the image.
 * @param kernel Size of a window.
 * @param options Geometry.
 * @returns [N, C, ...size].
 * @throws {RangeError} If the columns are not those of such an image.
 */
export function foldColumns(
  columns: Tensor,
  size: readonly [number, number],
  kernel: Pair,
  options: WindowOptions = {},
): Tensor {
  const [k, s, p, d] = [kernel, options.stride ?? 1, options.padding ?? 0, options.dilation ?? 1].map(pair);
  const counts = size.map((n, i) => Math.floor((n + 2 * p[i] - d[i] * (k[i] - 1) - 1) / s[i]) + 1);
  const [n, rows, length] = columns.shape;
  const channels = rows / (k[0] * k[1]);
  if (columns.ndim !== 3 || !Number.isInteger(channels) || length !== counts[0] * counts[1]) {
    throw new RangeError(
      `Cannot fold ${show(columns.shape)} into ${show(size)} with kernel ${show(k)}: expected ` +
        `[N, C * ${k[0] * k[1]}, ${counts[0] * counts[1]}]`,
    );
  }
  // Rows and columns that no window reaches
  const outputPadding = size.map((n, i) => n + 2 * p[i] - d[i] * (k[i] - 1) - 1 - (counts[i] - 1) * s[i]);
  const y = convTranspose2d(columns.reshape([n * channels, k[0] * k[1], counts[0], counts[1]]), picks([k[0], k[1]]), {
    ...options,
    outputPadding: [outputPadding[0], outputPadding[1]],
  });
  return y.reshape([n, channels, size[0], size[1]]);
}
