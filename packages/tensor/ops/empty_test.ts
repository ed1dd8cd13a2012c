/** Tensors without elements go through every kind of operation. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  argmax,
  assign,
  cat,
  compile,
  conv2d,
  cumsum,
  einsum,
  embedding,
  gather,
  grad,
  groupNorm,
  init,
  key,
  layerNorm,
  linear,
  mseLoss,
  ones,
  randn,
  realize,
  scaledDotProductAttention,
  scatterAdd,
  softmax,
  stack,
  type Tensor,
  tensor,
  zeros,
} from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

await init();
guardDevice();

const none = (...shape: number[]) => tensor(new Float32Array(0), shape);
const table = await ones([4, 3]).mul(2).realize();

/** What has no elements either. */
const empty: Record<string, [Tensor, number[]]> = {
  "itself": [none(0, 3), [0, 3]],
  "zeros": [zeros([2, 0]), [2, 0]],
  "elementwise": [none(0, 3).add(ones([3])).mul(2).exp(), [0, 3]],
  "comparison": [none(0).gt(1), [0]],
  "half": [none(3, 0).cast("f16").mul(2).cast("bf16"), [3, 0]],
  "views": [none(0, 3).transpose(0, 1).reshape([0, 5]).flip(1), [0, 5]],
  "slice": [table.slice([[2, 2]]), [0, 3]],
  "expand": [none(1, 0).expand([4, 0]), [4, 0]],
  "sum over another axis": [none(0, 3).sum(1), [0]],
  "max over another axis": [none(0, 3).max(1, true), [0, 1]],
  "matmul without rows": [none(0, 4).matmul(table), [0, 3]],
  "matmul without batch": [none(0, 2, 4).matmul(none(0, 4, 5)), [0, 2, 5]],
  "linear": [linear(none(0, 3), table, ones([4])), [0, 4]],
  "cat": [cat([none(0, 3), none(0, 3)]), [0, 3]],
  "stack": [stack([none(0), none(0)]), [2, 0]],
  "conv2d": [conv2d(none(0, 3, 5, 5), ones([2, 3, 3, 3]), { bias: ones([2]) }), [0, 2, 3, 3]],
  "softmax": [softmax(none(0, 5), -1), [0, 5]],
  "layerNorm": [layerNorm(none(0, 5)), [0, 5]],
  "groupNorm": [groupNorm(none(0, 4, 2, 2), 2), [0, 4, 2, 2]],
  "attention": [scaledDotProductAttention(none(0, 2, 4, 8), none(0, 2, 4, 8), none(0, 2, 4, 8)), [0, 2, 4, 8]],
  "embedding": [embedding(table, tensor(new Int32Array(0))), [0, 3]],
  "gather": [gather(table, 0, tensor(new Int32Array(0), [0, 3])), [0, 3]],
  "argmax over another axis": [argmax(none(0, 3), 1), [0]],
  "cumsum": [cumsum(none(0, 3), 0), [0, 3]],
  "randn": [randn(key(1), [0, 2]), [0, 2]],
  "einsum": [einsum("ij,jk->ik", none(0, 4), table), [0, 3]],
};

Deno.test("what is made of nothing has the right shape and no elements", async (t) => {
  for (const [name, [x, shape]] of Object.entries(empty)) {
    await t.step(name, async () => {
      assertEquals(x.shape, shape);
      assertEquals((await x.data()).length, 0);
    });
  }
});

/** Sums and joins that have elements although an operand has none. */
const sums: Record<string, [Tensor, number[]]> = {
  "sum over all": [none(0, 3).sum(), [0]],
  "sum over the empty axis": [none(2, 0).exp().sum(1, true), [0, 0]],
  "mean over the empty axis": [none(2, 0).mean(1), [NaN, NaN]],
  "matmul over nothing": [none(2, 0).matmul(none(0, 3)), [0, 0, 0, 0, 0, 0]],
  "linear over nothing": [linear(none(1, 0), none(2, 0), tensor([5, 6])), [5, 6]],
  "pad": [none(0, 2).pad([[1, 0], [0, 0]], 7), [7, 7]],
  "cat with something": [cat([none(0, 2), tensor([[1, 2]]), none(0, 2)]), [1, 2]],
  "scatterAdd of nothing": [scatterAdd(tensor([1, 2]), 0, tensor(new Int32Array(0)), none(0)), [1, 2]],
};

Deno.test("a sum of nothing is zero, a mean of nothing NaN", async (t) => {
  for (const [name, [x, values]] of Object.entries(sums)) {
    await t.step(name, async () => assertEquals([...await x.data()], values));
  }
});

Deno.test("the largest of nothing does not exist", () => {
  assertThrows(() => none(0, 3).max(), RangeError, "Cannot take the max of [0, 3] along [0, 1]: it has no elements");
  assertThrows(() => none(2, 0).min(1), RangeError, "it has no elements");
});

Deno.test("gradients with respect to nothing, and of nothing, have the shapes of their tensors", async () => {
  const weight = await ones([2, 3, 3, 3]).mul(1).realize(), bias = ones([2]);
  const x = none(0, 3, 5, 5);
  const loss = conv2d(x, weight, { bias }).square().sum();
  const [gx, gw] = grad(loss, [x, weight]);
  assertEquals([gx.shape, (await gx.data()).length], [[0, 3, 5, 5], 0]);
  assertEquals([...await gw.data()], new Array(54).fill(0));
  const [ga, gb] = [none(4, 0), none(0, 3)];
  const product = ga.matmul(gb).add(table).square().sum();
  assertEquals((await Promise.all(grad(product, [ga, gb]).map((g) => g.data()))).map((g) => g.length), [0, 0]);
  const part = cat([none(0, 3), table]);
  assertEquals([...await grad(part.square().sum(), [table])[0].data()], new Array(12).fill(4));
  assertEquals(await mseLoss(none(0), none(0)).item(), NaN);
});

Deno.test("nothing passes through compiled steps and assignments", async () => {
  const state = await none(0, 2).realize();
  const step = compile(({ x }: { x: Tensor }) => {
    assign(state, x.mul(2));
    return { twice: x.add(x), total: x.sum() };
  });
  for (let i = 0; i < 2; i++) {
    const { twice, total } = step({ x: none(0, 2) });
    assertEquals([(await twice.data()).length, await total.item()], [0, 0]);
  }
  assign(state, state.add(1));
  await realize();
  assertEquals((await state.data()).length, 0);
});
