import { assert, assertEquals, assertThrows } from "@std/assert";
import { generator, prepareKernel, runWasmKernel } from "./_run.ts";
import { f32, forEach, i32, WasmFunction, wasmMatmul, type WasmMatmulSpec } from "./mod.ts";
import { encoded, type Rounded } from "./_numbers.ts";
import type { StorageType } from "./matmul_spec.ts";

/** Adds a bias of each position, 0.25 times its number in a row of n, and stores to a buffer. */
function biased(buffer: number, n: number): WasmFunction {
  const f = new WasmFunction("biased");
  const [first, count, values, buffers] = Array.from({ length: 4 }, () => f.parameter("i32"));
  const [i, at] = f.locals("i32", 2);
  f.body = [
    at.set(i32.add(i32.load(buffers.get, 4 * buffer), i32.mul(first.get, i32.const(4)))),
    forEach(i, i32.const(0), count.get, 1, [
      f32.store(
        i32.add(at.get, i32.mul(i.get, i32.const(4))),
        f32.add(
          f32.load(i32.add(values.get, i32.mul(i.get, i32.const(4)))),
          f32.mul(f32.convertI32S(i32.remU(i32.add(first.get, i.get), i32.const(n))), f32.const(0.25)),
        ),
      ),
    ]),
  ];
  return f;
}

/** A random case from its seed: strides, types, repeated matrices and rows, odd sizes. */
function randomCase(seed: number, sizes?: number[]) {
  const random = generator(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(...of: T[]) => of[below(of.length)];
  const size = () => pick(1 + below(10), 1 + below(40), 8 * (1 + below(12)), 1 + below(150));
  const [batch, m, n, k] = sizes ?? [pick(1, 1, 1 + below(4)), size(), size(), pick(size(), size(), 700)];
  const factor = (rows: number, columns: number) => {
    const type = pick<StorageType>("f32", "f32", "f16", "bf16");
    const gap = pick(0, 0, below(5));
    const [rowStride, colStride, length] = pick(
      [columns + gap, 1, rows * (columns + gap)],
      [1, rows + gap, columns * (rows + gap)],
      [0, 1, columns],
      [2 * columns, 2, 2 * rows * columns],
    );
    const [from, step] = [below(6), pick(0, length)];
    const count = from + (batch - 1) * step + length;
    return {
      rowStride,
      colStride,
      from,
      step,
      ...encoded(Float32Array.from({ length: count }, () => 2 * random() - 1), type),
    };
  };
  const [a, b] = [factor(m, k), factor(k, n)];
  const finishes = sizes === undefined && below(2) === 1;
  const operand = ({ rowStride, colStride, from, step, type }: typeof a, buffer: number) => ({
    buffer,
    rowStride,
    colStride,
    type,
    base: (z: Parameters<WasmMatmulSpec["a"]["base"]>[0]) => i32.add(i32.const(from), i32.mul(z, i32.const(step))),
  });
  const output = finishes ? { finish: biased(2, n) } : { buffer: 2 };
  const spec: WasmMatmulSpec = { batch, m, n, k, a: operand(a, 0), b: operand(b, 1), output };
  const at = (f: Rounded & typeof a, z: number, row: number, column: number) =>
    f.values[f.from + z * f.step + row * f.rowStride + column * f.colStride];
  const expected = Float64Array.from({ length: batch * m * n }, (_, index) => {
    const [z, i, j] = [Math.floor(index / (m * n)), Math.floor(index / n) % m, index % n];
    let sum = finishes ? 0.25 * j : 0;
    for (let p = 0; p < k; p++) sum += at(a, z, i, p) * at(b, z, p, j);
    return sum;
  });
  return { spec, contents: [a.bytes, b.bytes, 4 * batch * m * n], expected };
}

Deno.test("wasmMatmul() multiplies matrices of any strides, types and sizes", () => {
  for (let seed = 1; seed <= 120; seed++) {
    const { spec, contents, expected } = randomCase(seed);
    const target = { relaxed: seed % 2 === 0, threads: 1 + seed % 8 };
    const actual = runWasmKernel(wasmMatmul(spec, target), contents, { shuffle: seed });
    const worst = Math.max(...actual.map((x, i) => Math.abs(x - expected[i])));
    assert(
      worst <= 1e-6 * Math.sqrt(spec.k) + 1e-5,
      `seed ${seed}, sizes ${[spec.batch, spec.m, spec.n, spec.k]}: off by ${worst}`,
    );
  }
});

Deno.test("wasmMatmul() gives the same bits for any number of threads and order of tasks, in parts or not", () => {
  for (const sizes of [[1, 50, 70, 5000], [2, 200, 300, 64], [1, 3, 1, 2100]]) {
    const { spec, contents, expected } = randomCase(7, sizes);
    const [one, eight] = [1, 8].map((threads) => {
      const kernel = wasmMatmul(spec, { relaxed: true, threads });
      return runWasmKernel(kernel, contents, { shared: true, ...(threads > 1 && { shuffle: 3 }) });
    });
    assertEquals(one, eight);
    assert(one.every((x, i) => Math.abs(x - expected[i]) < 1e-3));
  }
});

Deno.test("wasmMatmul() can run again over its own scratch and partial sums", () => {
  const { spec, contents } = randomCase(11, [1, 20, 36, 4100]);
  const prepared = prepareKernel(wasmMatmul(spec, { relaxed: false, threads: 2 }), contents);
  prepared.run();
  const first = prepared.buffers[2].slice();
  prepared.run();
  assertEquals(prepared.buffers[2], first);
});

Deno.test("wasmMatmul() tells kernels apart by their keys, and refuses sizes that are none", () => {
  const { spec } = randomCase(3, [1, 8, 8, 8]);
  const target = { relaxed: true, threads: 1 };
  const key = (changed: Partial<WasmMatmulSpec>) => wasmMatmul({ ...spec, ...changed }, target).key;
  assertEquals(key({}), key({}));
  const other = [{ m: 9 }, { a: { ...spec.a, base: () => i32.const(9) } }, { output: { finish: biased(2, 8) } }];
  assertEquals(new Set([{}, ...other].map(key)).size, 4);
  assert(key({ output: { finish: biased(2, 8) } }) !== key({ output: { finish: biased(1, 8) } }));
  assertThrows(() => key({ k: 0 }), RangeError, "Size k of a matrix product is 0");
  assertThrows(() => key({ b: { ...spec.b, rowStride: -1 } }), RangeError, "rowStride of factor b is -1");
});
