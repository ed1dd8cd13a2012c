import { assertEquals, assertThrows } from "@std/assert";
import { assign, compile, grad, init, ones, pack, realize, tensor, unpack, zeros } from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

Deno.test("pack() holds every element in order, constants and views among them", async () => {
  const x = tensor([[1, 2], [3, 4]]);
  const packed = pack([x, x.transpose(0, 1), zeros([2]), x.mul(10).slice([[1]])]);
  assertEquals([...await packed.data()], [1, 2, 3, 4, 1, 3, 2, 4, 0, 0, 30, 40]);
});

Deno.test("gradients flow through pack() and unpack()", async () => {
  const [x, y] = [tensor([[1, 2]]), tensor([3])];
  const weights = tensor([1, 10, 100]);
  const [gx, gy] = grad(pack([x, y]).mul(weights).sum(), [x, y]);
  assertEquals([[...await gx.data()], [...await gy.data()]], [[1, 10], [100]]);
  const packed = tensor([1, 2, 3, 4, 5, 6]);
  const [m, v] = unpack(packed, [[2, 2], [2]]);
  const [g] = grad(m.matmul(v).sum(), [packed]);
  assertEquals([...await g.data()], [5, 6, 5, 6, 4, 6]);
});

Deno.test("one update of a packed vector trains all of its tensors", async () => {
  const packed = await tensor([1, 2, 3, 4, 5, 6]).realize();
  const step = compile(() => {
    const [m, v] = unpack(packed, [[2, 2], [2]]);
    const [gm, gv] = grad(m.sum().add(v.mul(2).sum()), [m, v]);
    assign(packed, packed.sub(pack([gm, gv])));
    return {};
  });
  step({});
  step({});
  await realize();
  assertEquals([...await packed.data()], [-1, 0, 1, 2, 1, 2]);
});

Deno.test("aligned tensors lie at multiples, with zeros between them, and come out again", async () => {
  const [x, y] = [tensor([[1, 2], [3, 4]]), tensor([5, 6, 7])];
  const packed = pack([y, x, zeros([0]), y.mul(2)], { align: 4 });
  assertEquals([...await packed.data()], [5, 6, 7, 0, 1, 2, 3, 4, 10, 12, 14]);
  const parts = unpack(packed, [[3], [2, 2], [0], [3]], { align: 4 });
  assertEquals(await Promise.all(parts.map(async (t) => [...await t.data()])), [[5, 6, 7], [1, 2, 3, 4], [], [
    10,
    12,
    14,
  ]]);
  const weights = tensor([1, 10, 100, NaN, 2, 3, 4, 5]);
  const [gx, gy] = grad(pack([y, x], { align: 4 }).mul(weights).sum(), [x, y]);
  assertEquals([[...await gx.data()], [...await gy.data()]], [[2, 3, 4, 5], [1, 10, 100]]);
});

Deno.test("pack() refuses nothing, mixed dtypes and an alignment that is no length", () => {
  assertThrows(() => pack([ones([1])], { align: 0 }), RangeError, "align is 0, expected a whole number, 1 or more");
  assertThrows(() => pack([]), RangeError, "at least one");
  assertThrows(() => pack([ones([1]), ones([1]).cast("i32")]), TypeError, "f32,i32");
});
