import type { Kernel } from "@dipp/kernels";
import { assertEquals } from "@std/assert";
import { assign, init, realize, type Tensor, tensor } from "../mod.ts";
import { assertClose } from "../testing.ts";
import { schedule } from "./schedule.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

const [rows, columns] = [96, 64];
const values = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed));
const [x, y, b] = [values(rows * columns, 1), values(rows * columns, 2), values(columns, 3)];
const at = (i: number, j: number) => i * columns + j;
const table = (f: (i: number, j: number) => number, m = rows, n = columns) =>
  Float32Array.from({ length: m * n }, (_, k) => f(Math.floor(k / n), k % n));
const tx = tensor(x, [rows, columns]);
const ty = tensor(y, [columns, rows]);
const tb = tensor(b);

const cases: Record<string, [Tensor, Float32Array]> = {
  "neighbours in every operand": [tx.mul(2).add(tx.square()), table((i, j) => 2 * x[at(i, j)] + x[at(i, j)] ** 2)],
  "a row vector": [tx.add(tb), table((i, j) => x[at(i, j)] + b[j])],
  "a column vector": [
    tx.mul(tx.slice([null, [0, 1]])),
    table((i, j) => x[at(i, j)] * x[at(i, 0)]),
  ],
  "a transposed operand": [tx.sub(ty.transpose(0, 1)), table((i, j) => x[at(i, j)] - y[j * rows + i])],
  "an operand shifted by a pad": [
    tx.add(tx.slice([null, [1]]).pad([[0, 0], [0, 1]])),
    table((i, j) => x[at(i, j)] + (j + 1 < columns ? x[at(i, j + 1)] : 0)),
  ],
  "every other row of a flip": [
    tx.flip(1).slice([[0, rows, 2]]).reshape([columns, rows / 2]).add(0).reshape([rows / 2, columns]).mul(tb),
    table((i, j) => x[at(2 * i, columns - 1 - j)] * b[j], rows / 2),
  ],
  "truth values": [
    tx.gt(0).logicalAnd(tx.lt(0.5)).cast("f32"),
    table((i, j) => +(x[at(i, j)] > 0 && x[at(i, j)] < 0.5)),
  ],
  "sums of rows": [
    tx.mul(tb).sum(1),
    Float32Array.from({ length: rows }, (_, i) => b.reduce((s, v, j) => s + v * x[at(i, j)], 0)),
  ],
  "sums of columns with an epilogue": [
    tx.square().sum(0).add(tb),
    Float32Array.from(
      { length: columns },
      (_, j) => Array.from({ length: rows }, (_, i) => x[at(i, j)] ** 2).reduce((a, c) => a + c, 0) + b[j],
    ),
  ],
  "largest of everything": [tx.max(), Float32Array.of(Math.max(...x))],
};

for (const [name, [actual, expected]] of Object.entries(cases)) {
  Deno.test(`kernels wide enough for vectors read ${name}`, async () => {
    assertClose(await actual.data(), expected, 2e-5, name);
  });
}

Deno.test("neighbours are read and written four at a time, strangers one by one", () => {
  const [kernel] = schedule([tx.sub(ty.transpose(0, 1))], { kind: "software", maxBuffers: 8 });
  assertEquals((kernel.kernel as Kernel).code.match(/array<[^;]*>/g), [
    "array<vec4<f32>>",
    "array<f32>",
    "array<vec4<f32>>",
  ]);
});

Deno.test("state is overwritten in place by wide kernels", async () => {
  const state = await tensor(x, [rows, columns]).realize();
  assign(state, state.mul(2).add(tb));
  await realize();
  assertClose(await state.data(), table((i, j) => 2 * x[at(i, j)] + b[j]), 2e-5, "state");
});
