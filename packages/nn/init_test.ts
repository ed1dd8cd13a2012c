import { assert, assertAlmostEquals, assertNotEquals } from "@std/assert";
import { fold, init, key, type Tensor } from "@dipp/tensor";
import { kaimingUniform, normal, xavierUniform } from "./init.ts";
import * as conv2d from "./conv2d.ts";
import * as embedding from "./embedding.ts";
import * as linear from "./linear.ts";

/** Asserts a uniform law on [-bound, bound]: range, mean, variance. */
async function assertUniform(t: Tensor, bound: number): Promise<void> {
  const x = await t.data();
  const n = x.length;
  let sum = 0;
  let squares = 0;
  for (const v of x) {
    assert(Math.abs(v) <= bound);
    sum += v;
    squares += v * v;
  }
  // Five standard errors.
  assertAlmostEquals(sum / n, 0, 5 * bound / Math.sqrt(3 * n));
  const variance = bound ** 2 / 3;
  assertAlmostEquals(squares / n, variance, 5 * variance * Math.sqrt(0.8 / n));
}

Deno.test("layers start from PyTorch's default distributions", async () => {
  await init();
  const fc = linear.init(key(1), 64, 200);
  await assertUniform(fc.weight, 1 / 8);
  await assertUniform(fc.bias!, 1 / 8);
  const conv = conv2d.init(key(2), 8, 200, [3, 2], { groups: 2 });
  await assertUniform(conv.weight, 1 / Math.sqrt(4 * 3 * 2));
  await assertUniform(conv.bias!, 1 / Math.sqrt(4 * 3 * 2));
  await assertUniform(xavierUniform(key(3), [100, 50], 2), 2 * Math.sqrt(0.04));
  await assertUniform(
    kaimingUniform(key(3), [100, 50], { a: 0 }),
    Math.sqrt(6 / 50),
  );
});

Deno.test("normal() has its mean and standard deviation", async () => {
  await init();
  for (
    const [t, std, mean] of [
      [normal(key(4), [10_000], 0.02, 3), 0.02, 3],
      [embedding.init(key(5), 500, 20).weight, 1, 0],
    ] as const
  ) {
    const x = [...await t.data()];
    const m = x.reduce((a, b) => a + b) / x.length;
    const v = x.reduce((a, b) => a + (b - m) ** 2, 0) / x.length;
    assertAlmostEquals(m, mean, 5 * std / 100);
    assertAlmostEquals(Math.sqrt(v), std, 5 * std / Math.sqrt(20_000));
  }
});

Deno.test("different keys draw different weights", async () => {
  await init();
  const draw = (k: Tensor) => linear.init(k, 4, 4);
  const a = draw(fold(key(0), 0));
  const b = draw(fold(key(0), 1));
  assertNotEquals(await a.weight.data(), await b.weight.data());
  assertNotEquals(
    (await a.weight.data()).slice(0, 4),
    await a.bias!.data(),
  );
});
