import { cat, type Tensor, tensor } from "@dipp/tensor";

/** How a decoder is run tile by tile. */
export interface Tiling {
  /** Side of a tile, in latents. */
  readonly size: number;
  /** Part of the side that neighbours share, 0 up to but without 1. */
  readonly overlap: number;
  /** Pixels to a latent along a side. */
  readonly factor: number;
}

/**
 * Decodes overlapping tiles one by one and fades each into the next, as diffusers' `tiled_decode` does. The pixels are
 * not those of decoding at once: norms and attention see one tile.
 *
 * @param latents `[B, C, h, w]`.
 * @param decode What decodes a tile.
 * @param tiling The tiles.
 * @returns Pixels, `[B, 3, h factor, w factor]`.
 * @throws {RangeError} When no step is left between tiles.
 */
export function decodeTiles(latents: Tensor, decode: (tile: Tensor) => Tensor, tiling: Tiling): Tensor {
  const { size, overlap, factor } = tiling;
  const step = Math.floor(size * (1 - overlap));
  if (!Number.isInteger(size) || !(overlap >= 0) || step < 1) {
    throw new RangeError(
      `Cannot decode tiles of ${size} latents with overlap ${overlap}: expected a whole size and an overlap in [0, 1) ` +
        "that leave a step of at least one latent",
    );
  }
  const fade = (size - step) * factor;
  const [, , height, width] = latents.shape;
  const crop = (tile: Tensor) => tile.slice([null, null, ...tile.shape.slice(2).map(until(step * factor))]);
  let above: Tensor[] = [];
  const rows: Tensor[] = [];
  for (let y = 0; y < height; y += step) {
    const row: Tensor[] = [];
    for (let x = 0; x < width; x += step) {
      let tile = decode(latents.slice([null, null, [y, Math.min(y + size, height)], [x, Math.min(x + size, width)]]));
      if (y > 0) tile = fadeIn(above[row.length], tile, fade, 2);
      if (x > 0) tile = fadeIn(row[row.length - 1], tile, fade, 3);
      row.push(tile);
    }
    rows.push(cat(row.map(crop), 3));
    above = row;
  }
  return cat(rows, 2);
}

/** The range of an axis that ends after `most`. */
function until(most: number): (n: number) => [number, number] {
  return (n) => [0, Math.min(n, most)];
}

/** The second tile, beginning with the end of the first that fades out along an axis. */
function fadeIn(first: Tensor, second: Tensor, length: number, axis: 2 | 3): Tensor {
  const n = Math.min(length, first.shape[axis], second.shape[axis]);
  if (n === 0) return second;
  const part = (x: Tensor, from: number, to: number) =>
    x.slice([null, null, null, null].with(axis, [from, to] as never));
  const weight = tensor(Float32Array.from({ length: n }, (_, i) => i / n), axis === 2 ? [n, 1] : [n]);
  const end = part(first, first.shape[axis] - n, first.shape[axis]);
  const faded = end.add(part(second, 0, n).sub(end).mul(weight));
  return second.shape[axis] === n ? faded : cat([faded, part(second, n, second.shape[axis])], axis);
}
