import { assertEquals, assertThrows } from "@std/assert";
import { imageGrid } from "./image_grid.ts";
import type { RgbImage } from "./images.ts";

function pixel(image: RgbImage, x: number, y: number): number[] {
  const at = (y * image.width + x) * 3;
  return Array.from(image.rgb.subarray(at, at + 3));
}

function dark(
  image: RgbImage,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): number {
  let count = 0;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) if (pixel(image, x, y)[0] < 100) count++;
  }
  return count;
}

Deno.test("images lie row by row, scaled to squares, with padding between them", () => {
  // Three images of 1x2 pixels: (red, green), (blue, white), (black, half grey).
  const data = new Float32Array([
    1,
    0,
    0,
    1,
    0,
    0,
    0,
    1,
    0,
    1,
    1,
    1,
    0,
    0.5,
    0,
    0.5,
    0,
    0.5,
  ]);
  const grid = imageGrid({ data, shape: [3, 3, 1, 2] }, {
    columns: 2,
    scale: 3,
    padding: 1,
    background: [9, 9, 9],
  });
  assertEquals([grid.width, grid.height], [2 * (6 + 2), 2 * (3 + 2)]);
  assertEquals(pixel(grid, 0, 0), [9, 9, 9]);
  assertEquals([
    pixel(grid, 1, 1),
    pixel(grid, 3, 3),
    pixel(grid, 4, 1),
    pixel(grid, 6, 3),
  ], [
    [255, 0, 0],
    [255, 0, 0],
    [0, 255, 0],
    [0, 255, 0],
  ]);
  assertEquals([pixel(grid, 9, 2), pixel(grid, 14, 2)], [[0, 0, 255], [
    255,
    255,
    255,
  ]]);
  assertEquals([pixel(grid, 1, 6), pixel(grid, 4, 6)], [[0, 0, 0], [
    128,
    128,
    128,
  ]]);
  assertEquals(pixel(grid, 9, 6), [9, 9, 9]);
});

Deno.test("values are clamped and a NaN is magenta", () => {
  const grid = imageGrid(
    { data: [-1, NaN, 2, 0, 0.5, 0], shape: [1, 3, 1, 2] },
    { padding: 0 },
  );
  assertEquals([pixel(grid, 0, 0), pixel(grid, 1, 0)], [[0, 255, 128], [
    255,
    0,
    255,
  ]]);
});

Deno.test("labels have their place beside, above and under the images, and leave the images alone", () => {
  const white = {
    data: new Float32Array(4 * 3 * 32 * 32).fill(1),
    shape: [4, 3, 32, 32],
  };
  const grid = imageGrid(white, {
    columns: 2,
    scale: 2,
    padding: 0,
    rowLabels: ["before", "after"],
    columnLabels: ["red apple", "smiling face with open mouth"],
    labels: ["a", "b", "", "d"],
  });
  const left = 6 * 6 + 2, top = 3 * 10, cell = 64 + 10;
  assertEquals([grid.width, grid.height], [left + 128, top + 2 * cell]);
  assertEquals(dark(grid, left, top, left + 128, top + 64), 0);
  assertEquals(dark(grid, left, top + cell, left + 128, top + cell + 64), 0);
  for (const row of [0, 1]) {
    assertEquals(
      dark(grid, 0, top + row * cell, left, top + row * cell + 64) > 20,
      true,
    );
  }
  assertEquals(dark(grid, left, 0, left + 64, top) > 20, true);
  assertEquals(dark(grid, left + 64, 0, left + 128, top) > 60, true);
  assertEquals(
    dark(grid, left, top + 64, left + 64, top + cell),
    14,
    "the glyph of a lower-case a",
  );
  assertEquals(dark(grid, left, top + cell + 64, left + 64, top + 2 * cell), 0);
});

Deno.test("shapes and label counts that do not fit are refused", () => {
  const images = { data: new Float32Array(12), shape: [1, 3, 2, 2] };
  assertThrows(
    () => imageGrid({ ...images, shape: [1, 3, 2, 3] }),
    RangeError,
    "expected [N, 3, H, W]",
  );
  assertThrows(
    () => imageGrid(images, { labels: ["a", "b"] }),
    RangeError,
    "expected 1",
  );
  assertThrows(
    () => imageGrid(images, { scale: 1.5 }),
    RangeError,
    "Grid scale is 1.5",
  );
});
