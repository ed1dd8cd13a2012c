import { assert, assertEquals, assertThrows } from "@std/assert";
import { generator } from "./_run.ts";
import { buildModule, gemmTile } from "./mod.ts";

/** Runs a tile on random panels; what it stored, and the sums in float64. */
function run(rows: number, columns: number, k: number, relaxed: boolean, add: boolean) {
  const tile = gemmTile(rows, columns, relaxed);
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  const bytes = buildModule({ exports: [tile], memory: { minimum: 2, maximum: 2, shared: false } });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const random = generator(rows * 100 + columns + k);
  const floats = new Float32Array(memory.buffer).map(() => 2 * random() - 1);
  new Float32Array(memory.buffer).set(floats);
  const [a, b, c, stride] = [5, 8192, 20000, columns + 3];
  const expected = Array.from(floats);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = add ? floats[c + i * stride + j] : 0;
      for (let t = 0; t < k; t++) sum += floats[a + t * rows + i] * floats[b + t * columns + j];
      expected[c + i * stride + j] = sum;
    }
  }
  (exports[tile.name] as (...args: number[]) => void)(4 * a, 4 * b, k, 4 * c, 4 * stride, Number(add));
  return { actual: new Float32Array(memory.buffer), expected };
}

Deno.test("gemmTile() gives or adds the sums of products and touches nothing else", () => {
  for (const [rows, columns] of [[6, 8], [1, 4], [3, 12], [5, 8], [2, 16]]) {
    for (const k of [0, 1, 4, 7, 50]) {
      for (const relaxed of [false, true]) {
        const { actual, expected } = run(rows, columns, k, relaxed, k % 2 === 1);
        const worst = Math.max(...actual.map((x, i) => Math.abs(x - expected[i])));
        assert(worst < 1e-5, `${rows}x${columns}, k = ${k}, relaxed = ${relaxed}: off by ${worst}`);
      }
    }
  }
});

Deno.test("gemmTile() is one function for the same arguments, and refuses tiles that it cannot make", () => {
  assertEquals(gemmTile(6, 8, true), gemmTile(6, 8, true));
  assertThrows(() => gemmTile(9, 8, true), RangeError, "Rows of a tile are 9");
  assertThrows(() => gemmTile(6, 6, true), RangeError, "Columns of a tile are 6");
});
