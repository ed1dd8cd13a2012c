/** More workgroups than one dimension of a dispatch takes, 65,535, in every kind of kernel. */
import { assertEquals } from "@std/assert";
import { arange, conv2d, init, ones, type Tensor, tensor } from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

const LIMIT = 65_535;

/** The first, the last and one past the limit's end. */
async function ends(x: Tensor): Promise<number[]> {
  const flat = x.reshape([x.size]);
  const at = [0, LIMIT, x.size - 1];
  const all = await Promise.all(at.map((i) => flat.slice([[i, i + 1]]).item()));
  x.dispose();
  return all;
}

Deno.test("an elementwise kernel runs more workgroups than one dimension holds", async () => {
  // One element past 64 to a workgroup, and no multiple of four, so that none is vectored
  const size = 64 * LIMIT + 67;
  const x = await arange(size, "i32").mul(3).realize();
  assertEquals(await ends(x), [0, 3 * LIMIT, 3 * (size - 1)]);
});

Deno.test("a vectored kernel does", async () => {
  const size = 4 * 64 * LIMIT + 64;
  const x = await arange(size, "u32").add(1).realize();
  assertEquals(await ends(x), [1, LIMIT + 1, size]);
});

Deno.test("a reduction does, with one workgroup for each result and with one invocation", async () => {
  const rows = LIMIT + 3;
  const index = arange(rows, "i32").unsqueeze(1);
  const long = await index.add(arange(128, "i32")).sum(1).realize();
  assertEquals(await ends(long), [8128, 128 * LIMIT + 8128, 128 * (rows - 1) + 8128]);
  const many = 64 * LIMIT + 1;
  const short = await arange(many, "i32").unsqueeze(1).expand([many, 3]).sum(1).realize();
  assertEquals(await ends(short), [0, 3 * LIMIT, 3 * (many - 1)]);
});

Deno.test("a batched matrix product does", async () => {
  const batch = LIMIT + 2;
  const a = await arange(batch).reshape([batch, 1, 1]).expand([batch, 2, 2]).mul(1).realize();
  const b = await ones([batch, 2, 1]).mul(1).realize();
  const y = await a.matmul(b).realize();
  const data = await y.data();
  assertEquals([data[0], data[2 * LIMIT], data[2 * batch - 1]], [0, 2 * LIMIT, 2 * (batch - 1)]);
  for (const t of [a, b, y]) t.dispose();
});

Deno.test("a convolution over many images does", async () => {
  const batch = LIMIT + 2;
  const x = await arange(batch).reshape([batch, 1, 1, 1]).expand([batch, 1, 2, 2]).mul(1).realize();
  const y = await conv2d(x, tensor([[[[1, 2], [3, 4]]]])).realize();
  assertEquals(await ends(y), [0, 10 * LIMIT, 10 * (batch - 1)]);
  x.dispose();
});
