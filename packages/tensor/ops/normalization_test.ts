import { assertEquals } from "@std/assert";
import { grad, groupNorm, key, layerNorm, randn, realize } from "../mod.ts";
import { schedule } from "../schedule/schedule.ts";
import { assertClose } from "../testing.ts";

Deno.test("a normalisation's gradient stores nothing of its input's size but the gradient", async () => {
  const [x, g] = [randn(key(1), [8, 64]), randn(key(2), [8, 64])];
  await realize(x, g);
  const [dx] = grad(layerNorm(x).mul(g).sum(), [x]);
  const kernels = schedule([dx], { kind: "software", maxBuffers: 8, subgroup: 8 });
  assertEquals(kernels.filter((k) => k.root.size === x.size).length, 1);
  // Mean, inverse deviation, two means of the gradient, the gradient
  assertEquals(kernels.length, 5);
});

Deno.test("a normalisation's gradient is that of the plain composition, where the mean is far from zero too", async () => {
  const x = await randn(key(3), [2, 6, 5]).mul(0.5).add(100).realize();
  const g = await randn(key(4), [2, 6, 5]).realize();
  const rows = x.reshape([2, 3, 10]);
  const centered = rows.sub(rows.mean(-1, true));
  const plain = centered.mul(centered.square().mean(-1, true).add(1e-5).rsqrt()).reshape(x.shape);
  const [actual, expected] = [groupNorm(x, 3), plain].map((y) => grad(y.mul(g).sum(), [x])[0]);
  assertClose(await actual.data(), await expected.data(), 1e-4, "gradient");
});
