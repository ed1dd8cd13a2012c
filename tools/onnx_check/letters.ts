/** Pictures of text, for networks that read. */
import type { RgbImage } from "@dipp/train";
import { GLYPH_ADVANCE, LINE_HEIGHT, plotText } from "../../packages/train/bitmap_font.ts";

const TEXT = "dipp: text to images, in one step. ";

/**
 * Black letters on white, as many as fit.
 *
 * @param width Columns, in pixels.
 * @param height Rows, in pixels.
 * @param dot Pixels a dot of the font.
 */
export function letters(width: number, height: number, dot: number): RgbImage {
  const rgb = new Uint8Array(3 * width * height).fill(255);
  const [columns, rows] = [
    Math.floor(width / dot / GLYPH_ADVANCE),
    Math.max(1, Math.floor(height / dot / LINE_HEIGHT)),
  ];
  for (let row = 0; row < rows; row++) {
    const line = TEXT.repeat(columns).slice(row * columns, (row + 1) * columns);
    plotText(line, (x, y) => {
      for (let i = 0; i < dot * dot; i++) {
        const [px, py] = [x * dot + i % dot, (y + row * LINE_HEIGHT) * dot + Math.floor(i / dot)];
        if (px < width && py < height) rgb.fill(0, 3 * (py * width + px), 3 * (py * width + px) + 3);
      }
    });
  }
  return { width, height, rgb };
}
