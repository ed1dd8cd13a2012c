/**
 * The innermost part of every product: a tile of the result in registers, from packed panels of both factors.
 *
 * A panel of the first factor holds `rows` numbers for each term of the sum, one of the second `columns` numbers; both lie
 * term by term, without gaps. A term costs one multiply-add for each row and four columns; its row values are read as
 * splats.
 */
import { type Code, control, f32x4, i32, v128 } from "./instructions.ts";
import { WasmFunction } from "./function.ts";

/** Rows of the tile that is fastest: with 8 columns its sums, two vectors and a splat fill the 15 registers that V8 has. */
export const TILE_ROWS = 6;
/** Columns of the tile that is fastest. */
export const TILE_COLUMNS = 8;

const UNROLL = 4;

const tiles = new Map<string, WasmFunction>();

/**
 * x * y + z for vectors.
 *
 * @param relaxed Whether there is relaxed SIMD, which does it in one instruction.
 */
export function multiplyAdd(relaxed: boolean, x: Code, y: Code, z: Code): Code {
  return relaxed ? f32x4.relaxedMadd(x, y, z) : f32x4.add(f32x4.mul(x, y), z);
}

/**
 * A function (a, b, k, c, cStride, add), all i32, that computes a tile of a product of f32.
 *
 * - `a`: address of the panel of the first factor, [k, rows];
 * - `b`: address of the panel of the second factor, [k, columns];
 * - `k`: number of terms, 0 or more;
 * - `c`: address of the tile's first element;
 * - `cStride`: bytes from one row of the result to the next;
 * - `add`: 0 to store the sums, anything else to add them to what is there.
 *
 * The order of each sum is that of the terms, whatever the tile.
 *
 * @param rows Rows of the tile, 1 to 8.
 * @param columns Columns of the tile, a multiple of 4 up to 16; more than 12 vectors of sums do not fit in registers.
 * @param relaxed Whether there is relaxed SIMD.
 * @returns The same function for the same arguments, so that modules hold it once.
 *
 * @example One column times one row
 * ```ts
 * import { buildModule, gemmTile } from "@dipp/kernels/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * const tile = gemmTile(2, 4, false);
 * const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
 * const bytes = buildModule({ exports: [tile], memory: { minimum: 1, maximum: 1, shared: false } });
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
 * const floats = new Float32Array(memory.buffer);
 * floats.set([2, 3], 0);
 * floats.set([1, 10, 100, 1000], 16);
 * (exports[tile.name] as (...args: number[]) => void)(0, 64, 1, 128, 16, 0);
 * assertEquals([...floats.subarray(32, 40)], [2, 20, 200, 2000, 3, 30, 300, 3000]);
 * ```
 */
export function gemmTile(rows: number, columns: number, relaxed: boolean): WasmFunction {
  if (!Number.isInteger(rows) || rows < 1 || rows > 8) {
    throw new RangeError(`Rows of a tile are ${rows}, expected 1 to 8`);
  }
  if (![4, 8, 12, 16].includes(columns)) {
    throw new RangeError(`Columns of a tile are ${columns}, expected a multiple of 4 up to 16`);
  }
  const name = `gemm_${rows}x${columns}${relaxed ? "_relaxed" : ""}`;
  const known = tiles.get(name);
  if (known) return known;
  const tile = makeTile(name, rows, columns, relaxed);
  tiles.set(name, tile);
  return tile;
}

function makeTile(name: string, rows: number, columns: number, relaxed: boolean): WasmFunction {
  const f = new WasmFunction(name);
  const [a, b, k, c, cStride, add] = Array.from({ length: 6 }, () => f.parameter("i32"));
  const end = f.local("i32");
  const vectors = columns / 4;
  const sums = f.locals("v128", rows * vectors);
  const right = f.locals("v128", vectors);
  const left = f.local("v128");

  const term = (t: number): Code => [
    right.map((r, j) => r.set(v128.load(b.get, (t * columns + 4 * j) * 4))),
    Array.from({ length: rows }, (_, i) => [
      left.set(v128.load32Splat(a.get, (t * rows + i) * 4)),
      right.map((r, j) => {
        const sum = sums[i * vectors + j];
        return sum.set(multiplyAdd(relaxed, left.get, r.get, sum.get));
      }),
    ]),
  ];
  const advance = (terms: number): Code => [
    a.set(i32.add(a.get, i32.const(terms * rows * 4))),
    b.set(i32.add(b.get, i32.const(terms * columns * 4))),
  ];
  /** Runs whole turns of `terms` terms while `b` stays below `end`. */
  const turns = (terms: number): Code =>
    control.if(
      i32.ltU(b.get, end.get),
      control.loop(
        Array.from({ length: terms }, (_, t) => term(t)),
        advance(terms),
        control.brIf(0, i32.ltU(b.get, end.get)),
      ),
    );
  const store = (added: boolean): Code =>
    Array.from({ length: rows }, (_, i) => [
      right.map((_, j) => {
        const sum = sums[i * vectors + j].get;
        return v128.store(c.get, added ? f32x4.add(v128.load(c.get, 16 * j), sum) : sum, 16 * j);
      }),
      i + 1 < rows ? c.set(i32.add(c.get, cStride.get)) : [],
    ]);
  f.body = [
    end.set(i32.add(b.get, i32.mul(i32.and(k.get, i32.const(-UNROLL)), i32.const(columns * 4)))),
    turns(UNROLL),
    end.set(i32.add(b.get, i32.mul(i32.and(k.get, i32.const(UNROLL - 1)), i32.const(columns * 4)))),
    turns(1),
    control.if(add.get, store(true), store(false)),
  ];
  return f;
}
