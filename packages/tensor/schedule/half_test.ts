import { assertEquals } from "@std/assert";
import { toBfloat16 } from "../dtype.ts";
import { conv2d, gelu, grad, init, linear, type Tensor, tensor } from "../mod.ts";
import { assertClose } from "../testing.ts";
import { schedule } from "./schedule.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

const HALVES = ["f16", "bf16"] as const;
type Half = typeof HALVES[number];

/** A number as a dtype holds it. */
function round(dtype: Half, x: number): number {
  if (dtype === "f16") return new Float16Array([x])[0];
  return new Float32Array(Uint32Array.of(toBfloat16(x) << 16).buffer)[0];
}

/** The same numbers twice: stored in 16 bits, and their rounded values in f32. */
function both(dtype: Half, shape: number[], seed: number): [half: Tensor, wide: Tensor] {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed) * 1.7);
  return [tensor(values, shape, dtype), tensor(values.map((x) => round(dtype, x)), shape)];
}

async function assertSame(actual: Tensor, expected: Tensor, bound: number): Promise<void> {
  assertEquals(actual.shape, expected.shape);
  assertClose(await actual.data(), await expected.data(), bound, `${actual}`);
}

/** f32 sums in another order; and the rounding of a stored result. */
const SUMS = 1e-5;
const STORED = { f16: 2 ** -10, bf16: 2 ** -7 };

const target = { kind: "software", maxBuffers: 8, subgroup: 8 } as const;
const labels = (...outputs: Tensor[]) => schedule(outputs, target).map((k) => k.label);

for (const dtype of HALVES) {
  Deno.test(`matmul() of ${dtype} reads the words as they are and equals f32 on the rounded numbers`, async () => {
    for (const [m, k, n] of [[5, 7, 9], [33, 64, 40], [64, 129, 70], [1, 200, 3]]) {
      const [[a, wa], [b, wb]] = [both(dtype, [m, k], 1), both(dtype, [k, n], 2)];
      const [product, wide] = [a.cast("f32").matmul(b.cast("f32")), wa.matmul(wb)];
      assertEquals(labels(product).length, 1);
      await assertSame(product, wide, SUMS);
      const result = a.matmul(b);
      assertEquals(result.dtype, dtype);
      // Rows of even length are stored two elements at a time, others in a pass of their own
      assertEquals(labels(result).length, n % 2 === 0 ? 1 : 2);
      await assertSame(result, wide, STORED[dtype]);
    }
  });

  Deno.test(`matmul() of ${dtype} with batches, views and one wide factor`, async () => {
    const [[a, wa], [b, wb]] = [both(dtype, [3, 20, 34], 1), both(dtype, [3, 20, 34], 2)];
    const products = (x: Tensor, y: Tensor) => [
      x.matmul(y.transpose(1, 2)),
      x.transpose(1, 2).matmul(y),
      x.slice([null, [1, 19, 2], [3, 20]]).matmul(y.transpose(1, 2).slice([null, [5, 22]])),
      x.matmul(y.slice([[1, 2]]).transpose(1, 2)),
      x.reshape([2, 30, 34]).matmul(y.reshape([60, 34]).transpose(0, 1)),
    ];
    const [narrow, mixed, wide] = [products(a, b), products(a, wb), products(wa, wb)];
    for (const [i, expected] of wide.entries()) {
      await assertSame(narrow[i], expected, STORED[dtype]);
      assertEquals(mixed[i].dtype, "f32");
      await assertSame(mixed[i], expected, SUMS);
    }
  });

  Deno.test(`linear() of ${dtype}: bias, activation and rounding ride in the epilogue`, async () => {
    const [[x, wx], [w, ww], [b, wb]] = [both(dtype, [12, 30], 1), both(dtype, [22, 30], 2), both(dtype, [22], 3)];
    const y = gelu(linear(x.cast("f32"), w.cast("f32"), b.cast("f32"))).cast(dtype);
    assertEquals(labels(y).length, 1);
    await assertSame(y, gelu(linear(wx, ww, wb)), STORED[dtype]);
  });

  Deno.test(`conv2d() of ${dtype} and both its gradients`, async () => {
    const [[x, wx], [w, ww]] = [both(dtype, [2, 6, 9, 10], 1), both(dtype, [4, 3, 3, 3], 2)];
    const options = { stride: 2, padding: 1, groups: 2 };
    const loss = (a: Tensor, b: Tensor) => conv2d(a, b, options).square().sum();
    assertEquals(labels(conv2d(x, w, options)).length, 1);
    await assertSame(conv2d(x, w, options), conv2d(wx, ww, options), SUMS);
    const [narrow, wide] = [grad(loss(x, w), [x, w]), grad(loss(wx, ww), [wx, ww])];
    for (const i of [0, 1]) {
      assertEquals(narrow[i].dtype, dtype);
      await assertSame(narrow[i], wide[i], STORED[dtype]);
    }
    const even = conv2d(x, w, { padding: 1, groups: 2 });
    assertEquals(labels(even.cast(dtype)).length, 1);
    await assertSame(even.cast(dtype), even, STORED[dtype]);
  });

  Deno.test(`${dtype} sums, and rounds where it is converted, stored or not`, async () => {
    const [x, wx] = both(dtype, [40, 70], 1);
    await assertSame(x.sum(1), wx.sum(1), STORED[dtype]);
    await assertSame(x.max(0), wx.max(0), 0);
    const [tiny, huge] = dtype === "f16" ? [2 ** -24, 65504] : [2 ** -120, 3.3895313892515355e38];
    const values = Float32Array.from({ length: 4001 }, (_, i) => Math.sinh((i - 2000) / 100) * 7e-5);
    values.set([tiny, tiny / 2, tiny * 1.5, tiny * 2.5, huge, -huge, huge * 1.0001, 65519.996, 65520, -65520, 0.1, -0]);
    const expected = values.map((v) => round(dtype, v));
    assertEquals(await tensor(values).cast(dtype).data(), expected);
    assertEquals(await tensor(values).cast(dtype).cast("f32").data(), expected);
    assertEquals(
      await tensor([NaN, Infinity, -Infinity]).cast(dtype).data(),
      Float32Array.of(NaN, Infinity, -Infinity),
    );
  });
}
