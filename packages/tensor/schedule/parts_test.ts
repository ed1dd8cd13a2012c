import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { elementwise } from "@dipp/kernels";
import type { Command } from "../backend/backend.ts";
import { assign, cat, compile, conv2d, embedding, grad, realize, scalar, type Tensor, tensor } from "../mod.ts";
import { backend } from "../runtime/device.ts";
import { assertClose } from "../testing.ts";
import { partsOf } from "./parts.ts";

/** Few enough bytes that small tensors do not fit one binding. */
const LIMIT = 4096;
const device = await backend({ device: "webgpu", maxBindingBytes: LIMIT + 100 });

const values = (size: number, seed: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed));
const [rows, columns] = [90, 40];
const x = values(rows * columns, 1);
const tx = tensor(x, [rows, columns]);

Deno.test("parts start at multiples of 256 bytes and cover the buffer", () => {
  assertEquals(partsOf(4096, 4196), [{ offset: 0, bytes: 4096 }]);
  assertEquals(partsOf(9000, 4196).map((p) => [p.offset, p.bytes]), [[0, 4096], [4096, 4096], [8192, 808]]);
  assertEquals(partsOf(0, 4196).length, 1);
  assertEquals(partsOf(2 ** 40, Infinity).length, 1);
  assert(rows * columns * 4 > 3 * LIMIT);
});

Deno.test("elementwise, one element and four at a time, with views and truth values", async () => {
  const doubled = (n: number) => [values(n, 3), values(n, 3).map((v) => 2 * v + 1)];
  for (const n of [3000, 6000, 6001]) {
    const [from, expected] = doubled(n);
    assertClose(await tensor(from).mul(2).add(1).data(), expected, 1e-6, `${n} elements`);
  }
  const turned = Float32Array.from(x, (_, i) => x[i % rows * columns + Math.floor(i / rows)] + 1);
  assertClose(await tx.transpose(0, 1).add(1).data(), turned, 1e-6, "a transposed read");
  assertEquals(await tx.gt(0).data(), Uint8Array.from(x, (v) => +(v > 0)));
});

Deno.test("16 bits, read and written", async () => {
  const half = tensor(values(9000, 2), [9000], "f16");
  const rounded = await half.data();
  const expected = new Float16Array(Float32Array.from(rounded, (v) => v * 3));
  assertEquals(await half.mul(3).cast("f16").data(), Float32Array.from(expected));
});

Deno.test("an embedding table, its gather and its gradient", async () => {
  const ids = Int32Array.of(0, 89, 44, 89, 25, 26, 51, 52, 76);
  const picked = embedding(tx, tensor(ids));
  const expected = [...ids].flatMap((id) => [...x.subarray(id * columns, (id + 1) * columns)]);
  assertEquals([...await picked.data()], expected);
  const [gradient] = grad(picked.square().sum(), [tx]);
  const counts = Float32Array.from(x, (v, i) => 2 * v * ids.filter((id) => id === Math.floor(i / columns)).length);
  assertClose(await gradient.data(), counts, 1e-6, "the gradient");
});

Deno.test("products of factors and into results that need several bindings", async () => {
  const [m, n, k] = [30, 36, 40];
  const [a, b] = [values(m * k, 1), values(k * n, 2)];
  const expected = Float64Array.from({ length: m * n }, (_, i) => {
    let sum = 1;
    for (let t = 0; t < k; t++) sum += a[Math.floor(i / n) * k + t] * b[t * n + i % n];
    return sum;
  });
  const [ta, tb] = [tensor(a, [m, k]), tensor(b, [k, n])];
  assertClose(await ta.matmul(tb).add(1).data(), expected, 1e-5, "f32");
  assertClose(await ta.cast("bf16").matmul(tb.cast("bf16")).add(1).data(), expected, 0.1, "bf16");
});

Deno.test("convolutions, and reductions of either axis and of all", async () => {
  const [w, image] = [values(6 * 5 * 9, 2), values(2 * 5 * 20 * 20, 3)];
  const one = (o: Tensor) => conv2d(o, tensor(w, [6, 5, 3, 3]), { padding: 1 });
  const whole = await one(tensor(image, [2, 5, 20, 20])).data();
  // A convolution of each image alone fits fewer parts
  const apart = await Promise.all(
    [0, 1].map((i) => one(tensor(image.slice(i * 2000, i * 2000 + 2000), [1, 5, 20, 20])).data()),
  );
  assertClose(whole, [...apart[0], ...apart[1]], 1e-6, "convolution");
  const sums = (axis: number) =>
    Float64Array.from(
      { length: axis ? rows : columns },
      (_, i) => x.reduce((s, v, at) => s + ((axis ? Math.floor(at / columns) : at % columns) === i ? v : 0), 0),
    );
  assertClose(await tx.sum(1).data(), sums(1), 1e-5, "rows");
  assertClose(await tx.sum(0).data(), sums(0), 1e-5, "columns");
  assertClose(await cat([tx, tx], 0).sum().data(), [2 * x.reduce((a, b) => a + b, 0)], 1e-4, "all");
});

Deno.test("state is updated in place, over all its parts", async () => {
  const state = await tensor(values(5000, 5)).realize();
  const step = compile(({ by }: { by: Tensor }) => {
    assign(state, state.mul(0.5).add(by));
    return by.mul(1);
  });
  step({ by: scalar(1) });
  step({ by: scalar(1) });
  assertClose(await state.data(), values(5000, 5).map((v) => v / 4 + 1.5), 1e-6, "the state");
});

Deno.test("a kernel that would need more bindings than there are is an error that tells the sizes", async () => {
  const long = tensor(new Float32Array(60 * LIMIT / 4)).exp();
  await assertRejects(() => realize(long), RangeError, `in bindings of at most ${LIMIT + 100} bytes`);
});

Deno.test("a binding over the limit, or outside its buffer, is an error that names the kernel", () => {
  const buffer = device.allocate(3 * LIMIT);
  const kernel = elementwise({
    size: 1,
    declarations: "@group(0) @binding(0) var<storage, read_write> x: array<f32>;",
    body: "x[i] = 1.0;",
  });
  const pipeline = device.compile(kernel, "too much", ["read_write"]);
  const run = (range: { offset?: number; bytes?: number }): Command => ({
    kind: "dispatch",
    pipeline,
    buffers: [{ buffer, access: "read_write", ...range }],
    workgroups: kernel.workgroups,
  });
  assertThrows(() => device.prepare([run({})]), RangeError, 'Kernel "too much" binds 12288 bytes at once');
  assertThrows(() => device.prepare([run({ offset: 4 })]), RangeError, "multiple of 256");
  assertThrows(() => device.prepare([run({ offset: 8192, bytes: 8192 })]), RangeError, "of a buffer of 12288 bytes");
  device.prepare([run({ offset: 8192, bytes: 4096 })]);
  device.free(buffer);
});
