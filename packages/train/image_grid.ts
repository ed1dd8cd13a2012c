/**
 * Grids of samples, with labels, for eyes: a batch as the network leaves it goes in, one picture comes out.
 *
 * @module
 */
import { GLYPH_ADVANCE, LINE_HEIGHT, plotText, wrapText } from "./bitmap_font.ts";
import type { RgbImage } from "./images.ts";

/** A batch of images: floats in [0, 1] and their shape `[N, 3, H, W]`. */
export interface ImageBatch {
  /** Row-major values. */
  data: ArrayLike<number>;
  /** `[N, 3, H, W]`. */
  shape: readonly number[];
}

/** Options of {@link imageGrid}. */
export interface ImageGridOptions {
  /** Images in a row; about the square root of their number unless told. */
  columns?: number;
  /** Each pixel becomes `scale` x `scale` pixels (nearest neighbour); 1 unless told. */
  scale?: number;
  /** Pixels around every image; 2 unless told. */
  padding?: number;
  /** Colour between the images, 0-255; white unless told. */
  background?: readonly [number, number, number];
  /** A text under each image, at most two lines of it. */
  labels?: readonly string[];
  /** A text to the left of each row. */
  rowLabels?: readonly string[];
  /** A text above each column, at most three lines of it. */
  columnLabels?: readonly string[];
  /** Size of the text: 1 is 8 pixels high. */
  textScale?: number;
}

const INK: readonly number[] = [40, 40, 40];

function positiveInteger(name: string, value: number, least = 1): number {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(
      `Grid ${name} is ${value}, expected an integer of at least ${least}`,
    );
  }
  return value;
}

/**
 * Lays a batch out as one picture, row by row. Values outside [0, 1] are clamped; a NaN is drawn magenta, so that it
 * is seen.
 *
 * @param images `[N, 3, H, W]` in [0, 1].
 * @param options Layout and labels.
 * @returns The picture, ready for `writePng`.
 * @throws {RangeError} If the shape, a size or a number of labels does not fit.
 *
 * @example
 * ```ts
 * import { imageGrid } from "@dipp/train";
 * import { assertEquals } from "@std/assert";
 *
 * const batch = { data: new Float32Array(4 * 3 * 8 * 8), shape: [4, 3, 8, 8] };
 * const grid = imageGrid(batch, { columns: 2, scale: 3, padding: 1, rowLabels: ["before", "after"] });
 * assertEquals(grid.height, 2 * (8 * 3 + 2));
 * ```
 */
export function imageGrid(
  images: ImageBatch,
  options: ImageGridOptions = {},
): RgbImage {
  const [count, channels, h, w] = images.shape;
  if (
    images.shape.length !== 4 || channels !== 3 || count < 1 ||
    images.data.length !== count * 3 * h * w
  ) {
    throw new RangeError(
      `Grid images have shape [${images.shape}] and ${images.data.length} values, expected [N, 3, H, W] with N >= 1`,
    );
  }
  const columns = positiveInteger(
    "columns",
    options.columns ?? Math.ceil(Math.sqrt(count)),
  );
  const scale = positiveInteger("scale", options.scale ?? 1);
  const padding = positiveInteger("padding", options.padding ?? 2, 0);
  const textScale = positiveInteger("textScale", options.textScale ?? 1);
  const rows = Math.ceil(count / columns);
  checkCount("labels", options.labels, count);
  checkCount("rowLabels", options.rowLabels, rows);
  checkCount("columnLabels", options.columnLabels, columns);

  const cellWidth = w * scale + 2 * padding;
  const advance = GLYPH_ADVANCE * textScale, line = LINE_HEIGHT * textScale;
  const perCell = Math.max(1, Math.floor(cellWidth / advance));
  const wrap = (texts: readonly string[] | undefined, lines: number) => texts?.map((t) => wrapText(t, perCell, lines));
  const labels = wrap(options.labels, 2), tops = wrap(options.columnLabels, 3);
  const labelHeight = labels ? Math.max(...labels.map((l) => l.length)) * line : 0;
  const top = tops ? Math.max(...tops.map((l) => l.length)) * line : 0;
  const left = options.rowLabels
    ? Math.max(...options.rowLabels.map((l) => l.length)) * advance +
      2 * textScale
    : 0;
  const cellHeight = h * scale + 2 * padding + labelHeight;

  const width = left + columns * cellWidth, height = top + rows * cellHeight;
  const rgb = new Uint8Array(width * height * 3);
  const background = options.background ?? [255, 255, 255];
  for (let i = 0; i < rgb.length; i++) rgb[i] = background[i % 3];

  const write = (text: string, x0: number, y0: number) =>
    plotText(text, (x, y) => {
      for (let dy = 0; dy < textScale; dy++) {
        for (let dx = 0; dx < textScale; dx++) {
          const px = x0 + x * textScale + dx, py = y0 + y * textScale + dy;
          if (px < width && py < height) rgb.set(INK, (py * width + px) * 3);
        }
      }
    });
  const centred = (lines: readonly string[], x0: number, y0: number) =>
    lines.forEach((text, i) =>
      write(
        text,
        x0 + Math.max(0, (cellWidth - text.length * advance + textScale) >> 1),
        y0 + i * line,
      )
    );

  for (let n = 0; n < count; n++) {
    const x0 = left + (n % columns) * cellWidth,
      y0 = top + Math.floor(n / columns) * cellHeight;
    paint(
      images.data,
      n * 3 * h * w,
      h,
      w,
      scale,
      rgb,
      width,
      x0 + padding,
      y0 + padding,
    );
    if (labels) centred(labels[n], x0, y0 + h * scale + 2 * padding);
  }
  tops?.forEach((lines, c) => centred(lines, left + c * cellWidth, top - lines.length * line));
  options.rowLabels?.forEach((text, r) => write(text, 0, top + r * cellHeight + padding + ((h * scale - line) >> 1)));
  return { width, height, rgb };
}

function checkCount(
  name: string,
  texts: readonly string[] | undefined,
  expected: number,
): void {
  if (texts !== undefined && texts.length !== expected) {
    throw new RangeError(
      `Grid ${name} has ${texts.length} texts, expected ${expected}`,
    );
  }
}

/** Copies one planar image into the picture, each pixel `scale` times in both directions. */
function paint(
  data: ArrayLike<number>,
  offset: number,
  h: number,
  w: number,
  scale: number,
  rgb: Uint8Array,
  width: number,
  x0: number,
  y0: number,
): void {
  const pixel = new Uint8Array(3);
  for (let y = 0; y < h * scale; y++) {
    for (let x = 0; x < w * scale; x++) {
      const at = offset + Math.floor(y / scale) * w + Math.floor(x / scale);
      let bad = false;
      for (let c = 0; c < 3; c++) {
        const value = data[at + c * h * w];
        bad ||= Number.isNaN(value);
        pixel[c] = Math.round(Math.min(1, Math.max(0, value)) * 255);
      }
      rgb.set(bad ? [255, 0, 255] : pixel, ((y0 + y) * width + x0 + x) * 3);
    }
  }
}
