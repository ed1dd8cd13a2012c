import { type Tensor, tensor } from "@dipp/tensor";

/**
 * The 2-D sine-cosine position table of DiT and PixArt (diffusers' `PatchEmbed`):
 * the first half of the channels encodes the column, the second the row, each
 * half `[sin | cos]` of `position / 10000^(k / (dim / 4))`. Positions are
 * `index / (grid / base) / scale`, so a grid of another size spans the same
 * range. It is not a weight.
 *
 * @param dim Width of the table, a multiple of 4.
 * @param grid Rows and columns of patches.
 * @param base Patches along a side of the size the network is made for.
 * @param scale Divides positions.
 * @returns `[1, rows * columns, dim]`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { positionTable } from "@dipp/scores";
 *
 * assertEquals(positionTable(8, [2, 3], 4, 1).shape, [1, 6, 8]);
 * ```
 */
export function positionTable(
  dim: number,
  grid: readonly [number, number],
  base: number,
  scale: number,
): Tensor {
  const [rows, columns] = grid;
  const quarter = dim / 4;
  const table = new Float32Array(rows * columns * dim);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = (row * columns + column) * dim;
      const x = column / (columns / base) / scale;
      const y = row / (rows / base) / scale;
      for (let k = 0; k < quarter; k++) {
        const frequency = 1 / 10000 ** (k / quarter);
        table[at + k] = Math.sin(x * frequency);
        table[at + quarter + k] = Math.cos(x * frequency);
        table[at + 2 * quarter + k] = Math.sin(y * frequency);
        table[at + 3 * quarter + k] = Math.cos(y * frequency);
      }
    }
  }
  return tensor(table, [1, rows * columns, dim]);
}

/** The position tables of a network, each made once. */
export class PositionTables {
  readonly #tables = new Map<string, Tensor>();
  readonly #dim: number;
  readonly #base: number;
  readonly #scale: number;

  /**
   * Remembers what {@linkcode positionTable} needs beside the grid.
   *
   * @param dim Width of the table, a multiple of 4.
   * @param base Patches along a side of the size the network is made for.
   * @param scale Divides positions.
   */
  constructor(dim: number, base: number, scale: number) {
    this.#dim = dim;
    this.#base = base;
    this.#scale = scale;
  }

  /**
   * The table for a grid of patches.
   *
   * @param rows Patches down.
   * @param columns Patches across.
   * @returns `[1, rows * columns, dim]`, the same tensor at every call.
   */
  at(rows: number, columns: number): Tensor {
    const name = `${rows}x${columns}`;
    let table = this.#tables.get(name);
    if (!table) {
      table = positionTable(this.#dim, [rows, columns], this.#base, this.#scale);
      this.#tables.set(name, table);
    }
    return table;
  }
}
