import { assertEquals } from "@std/assert";
import { assign, compile, explain, init, key, pack, randn, realize, type Tensor } from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

const [a, b] = [randn(key(1), [16, 8]), randn(key(2), [8, 24])];
const state = randn(key(3), [64]);
await realize(a, b, state);

const copies = (t: Tensor) => explain(t).kernels.filter((k) => k.kind === "concat").map((k) => k.commands);

/** Compares a packed vector with its parts, each computed alone. */
async function check(parts: readonly Tensor[], expectedCopies: number): Promise<void> {
  const packed = pack(parts);
  assertEquals(copies(packed), [expectedCopies]);
  // Once read back, once read by a kernel
  const [all, doubled] = [await packed.data(), await packed.mul(2).data()];
  const alone: number[] = [];
  for (const part of parts) alone.push(...await part.add(0).data() as Float32Array);
  assertEquals([...all], alone);
  assertEquals([...doubled], alone.map((x) => 2 * x));
}

Deno.test("what is packed is computed in its place where a binding may begin there", async () => {
  const product = a.matmul(b); // 384 elements, 6 times 64
  await check([product, b.exp(), a.exp().sum(1)], 0);
  // 16 elements before it: not at a multiple of 256 bytes
  await check([a.exp().sum(1), product], 1);
});

Deno.test("what lies elsewhere or twice in a packed vector is copied", async () => {
  const product = a.matmul(b);
  await check([product, a, product], 3);
  const other = pack([product, b.exp()]);
  const both = compile(({ x }: { x: Tensor }) => {
    const product = x.matmul(b);
    return { first: pack([product, b.exp()]), second: pack([product, x]) };
  });
  const { first, second } = both({ x: a });
  assertEquals([...await first.data()], [...await other.data()]);
  assertEquals([...await second.data()], [...await pack([product, a]).data()]);
});

Deno.test("no kernel reads one part of a packed vector while it writes another", async () => {
  const first = a.matmul(b);
  const second = first.sum(1, true).matmul(first.sum(0, true));
  // The sums read the first part; the second reads the sums
  await check([first, second], 0);
  const third = first.reshape([24, 16]).matmul(a);
  await check([first, third], 1);
});

Deno.test("a part that others read later keeps its vector's memory", async () => {
  const step = compile(({ x }: { x: Tensor }) => {
    const product = x.matmul(b);
    const packed = pack([product, x.exp()]);
    // After the vector is done with, its part is read again
    const norm = packed.square().sum();
    const late = product.div(norm).exp().matmul(product.permute([1, 0])).mul(norm);
    assign(state, state.mul(0).add(norm));
    return { late };
  });
  const { late } = step({ x: a });
  const product = a.matmul(b);
  const norm = await product.square().sum().add(a.exp().square().sum()).realize();
  const expected = await product.div(norm).exp().matmul(product.permute([1, 0])).mul(norm).data();
  const got = await late.data();
  for (const [i, x] of got.entries()) assertEquals(Math.abs(x - expected[i]) <= 1e-3 * Math.abs(expected[i]), true);
  assertEquals(Math.abs((await state.data())[0] - await norm.item()) < 1e-2, true);
});

Deno.test("what lies between the parts of a packed vector is zero, whatever its memory held before", async () => {
  const align = { align: 64 };
  const nan = () => randn(key(9), [1000]).mul(0).add(NaN);
  const filled = Array.from({ length: 8 }, nan);
  await realize(...filled);
  filled.forEach((t) => t.dispose());
  const parts = () => [a.exp().sum(1), a.matmul(b), b.exp().sum(1), b.square().sum(0)];
  const one = pack(parts(), align);
  assertEquals(copies(one), [0]);
  await one.realize();
  const expected: number[] = [];
  for (const part of parts()) {
    while (expected.length % 64 !== 0) expected.push(0);
    expected.push(...await part.data());
  }
  assertEquals([...await one.data()], expected);
});

Deno.test("a part that becomes state at the end keeps its vector's memory until then", async () => {
  const target = randn(key(6), [16, 24]);
  await target.realize();
  const step = compile(({ x }: { x: Tensor }) => {
    const product = x.matmul(b);
    const total = pack([product, x.exp()]).sum();
    // Reads the old state after the vector is done with, in memory that could be the vector's
    const late = target.mul(total).exp().matmul(product.permute([1, 0])).add(target.sum(1, true)).exp();
    assign(target, product);
    return { late: late.sum() };
  });
  step({ x: a });
  const expected = await a.matmul(b).data();
  assertEquals(await target.data(), expected);
});
