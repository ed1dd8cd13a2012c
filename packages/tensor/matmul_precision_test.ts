import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkpoint, conv2d, explain, grad, init, matmulPrecision, type Tensor, tensor } from "./mod.ts";
import { schedule } from "./schedule/schedule.ts";
import { guardDevice } from "./testing_device.ts";

const device = await init();
guardDevice();
const ignore = !device.features.has("shader-f16");

/** Numbers that f16 holds, of magnitudes from 1/4 to 1. */
function halves(shape: number[], seed: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float16Array.from({ length: size }, (_, i) => {
    const s = Math.sin(i * 12.9898 + seed);
    return Math.sign(s) * (1 + 3 * Math.abs(s)) / 4;
  });
  return tensor(Float32Array.from(values), shape, "f16");
}

const wide = (x: Tensor) => x.cast("f32");
const labels = (...outputs: Tensor[]) => explain(...outputs).kernels.map((k) => k.label);

/** Eight operations, each off by 2^-10 at most. */
const BLOCKS = 1.001 ** 8 - 1;

/** Checks a sum of products against f32's, by the sum of the products' magnitudes. */
async function assertWithin(half: Tensor, full: Tensor, magnitudes: Tensor, bound = BLOCKS): Promise<void> {
  const [actual, expected, scale] = await Promise.all([half.data(), full.data(), magnitudes.data()]);
  const errors = [...actual].map((v, i) => scale[i] ? Math.abs(v - expected[i]) / scale[i] : Math.abs(v));
  const worst = Math.max(...errors);
  assert(worst <= bound, `off by ${worst} of the magnitudes`);
  assert(worst > 2 ** -17, `off by ${worst}, no more than f32 is`);
}

Deno.test({
  name: "matmulPrecision() has products of f16 factors multiplied in f16, within the bound, and explain() says so",
  ignore,
  fn: async () => {
    for (const [m, k, n] of [[33, 65, 47], [64, 128, 64], [1, 200, 3], [5, 9, 8]]) {
      const [a, b] = [halves([m, k], 1), halves([k, n], 2)];
      const product = matmulPrecision("f16", () => wide(a).matmul(wide(b)));
      assertEquals(labels(product), [`matmul in f16 [${m}, ${n}]`]);
      assertEquals(labels(wide(a).matmul(wide(b))), [`matmul [${m}, ${n}]`]);
      await assertWithin(product, wide(a).matmul(wide(b)), wide(a).abs().matmul(wide(b).abs()));
    }
    const [x, y] = [halves([3, 20, 34], 1), halves([3, 34, 20], 2)];
    const views = (p: Tensor, q: Tensor) => p.transpose(1, 2).matmul(q.transpose(1, 2)).slice([null, [1]]);
    const viewed = matmulPrecision("f16", () => views(wide(x), wide(y)));
    await assertWithin(viewed, views(wide(x), wide(y)), views(wide(x).abs(), wide(y).abs()));
  },
});

Deno.test({
  name: "matmulPrecision() holds for convolutions, and for gradients wherever they are built",
  ignore,
  fn: async () => {
    const [x, w] = [halves([2, 6, 9, 10], 1), halves([4, 3, 3, 3], 2)];
    const options = { stride: 2, padding: 1, groups: 2 };
    const run = (p: Tensor, q: Tensor) => conv2d(p, q, options);
    const y = matmulPrecision("f16", () => run(x, w));
    assert(labels(y)[0].startsWith("conv2d forward in f16 "));
    const full = run(wide(x), wide(w));
    await assertWithin(y, full, run(wide(x).abs(), wide(w).abs()));
    // The gradient that comes in is one of f16, so that both its products are in f16; they are rounded to f16 at the end
    const g = wide(halves([2, 4, 5, 5], 3));
    const [ax, aw] = [wide(x).abs(), wide(w).abs()];
    const half = grad(y.cast("f16").cast("f32").mul(g).sum(), [x, w]);
    const names = labels(...half).join();
    assert(/inputGrad in f16/.test(names) && /weightGrad in f16/.test(names), names);
    const exact = grad(full.mul(g).sum(), [x, w]);
    const magnitudes = grad(run(ax, aw).mul(g.abs()).sum(), [ax, aw]);
    for (const i of [0, 1]) await assertWithin(wide(half[i]), wide(exact[i]), magnitudes[i], BLOCKS + 2 ** -9);
  },
});

Deno.test({
  name: "checkpoint() computes again in the precision that it computed in",
  ignore,
  fn: async () => {
    const [a, b] = [halves([16, 24], 1), halves([24, 32], 2)];
    const block = (p: Tensor) => p.cast("f16").cast("f32").matmul(wide(b)).square();
    const input = await wide(a).realize();
    const y = matmulPrecision("f16", () => checkpoint(block, input));
    const plain = matmulPrecision("f16", () => block(input));
    const [again, kept] = [grad(y.sum(), [input])[0], grad(plain.sum(), [input])[0]];
    assert(labels(again).filter((label) => label.includes("matmul in f16")).length >= 1);
    assertEquals(await again.data(), await kept.data());
  },
});

Deno.test("matmulPrecision() leaves other factors alone, is over after its function, and refuses what it cannot do", () => {
  const [a, b] = [halves([8, 8], 1), halves([8, 8], 2)];
  const target = { kind: "software", maxBuffers: 8 } as const;
  const product = (p: Tensor, q: Tensor) => matmulPrecision("f16", () => p.matmul(q));
  const all = (t: Tensor) => schedule([t], target).map((k) => k.label).join();
  assert(!all(product(wide(a).add(1), wide(b))).includes("f16"));
  assertThrows(
    () =>
      matmulPrecision("f16", () => {
        throw new RangeError("inside");
      }),
    RangeError,
    "inside",
  );
  assert(!all(wide(a).matmul(wide(b))).includes("f16"));
  assertThrows(() => all(product(wide(a), wide(b))), TypeError, "lacks the feature shader-f16");
  assertThrows(() => matmulPrecision("bf16" as "f16", () => 0), TypeError, "matmulPrecision is bf16, expected");
  assertThrows(() => matmulPrecision("f16", async () => {}), TypeError, "got a promise");
});
