import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { compile, init, scalar, type Tensor, tensor } from "@dipp/tensor";
import { clipByGlobalNorm, globalNorm } from "./clip.ts";

Deno.test("globalNorm() is the norm of all leaves together", async () => {
  await init();
  const leaves = Array.from({ length: 37 }, (_, i) => tensor([i, -i]));
  const expected = Math.sqrt(
    leaves.reduce((sum, _, i) => sum + 2 * i * i, 0),
  );
  assertAlmostEquals(await globalNorm(leaves).item(), expected, 1e-4);
  assertEquals(await globalNorm({}).item(), 0);
});

Deno.test("clipByGlobalNorm() leaves small gradients as they are", async () => {
  await init();
  const small = clipByGlobalNorm({ a: tensor([0.3, -0.4]) }, 1);
  assertEquals(await small.grads.a.data(), new Float32Array([0.3, -0.4]));
  assertAlmostEquals(await small.norm.item(), 0.5, 1e-6);
  const zero = clipByGlobalNorm({ a: tensor([0, 0]) }, 1);
  assertEquals(await zero.grads.a.data(), new Float32Array([0, 0]));
});

Deno.test("the limit may be an input of a compiled step", async () => {
  await init();
  const grads = { a: tensor([3]), b: tensor([[4]]) };
  const step = compile(({ limit }: { limit: Tensor }) => {
    const clipped = clipByGlobalNorm(grads, limit);
    return [clipped.grads.a, clipped.grads.b, clipped.norm];
  });
  for (const limit of [1, 2.5, 10]) {
    const [a, b, norm] = step({ limit: scalar(limit) }) as Tensor[];
    const scale = Math.min(1, limit / 5);
    assertAlmostEquals(await a.item(), 3 * scale, 2e-6);
    assertAlmostEquals(await b.item(), 4 * scale, 2e-6);
    assertAlmostEquals(await norm.item(), 5, 1e-6);
  }
});

Deno.test("a limit that is not positive is refused", () => {
  for (const limit of [0, -1, NaN]) {
    assertThrows(
      () => clipByGlobalNorm({ a: tensor([1]) }, limit),
      RangeError,
      `maxNorm is ${limit}`,
    );
  }
});
