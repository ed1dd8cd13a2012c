import { assert, assertEquals, assertThrows } from "@std/assert";
import { compile, init, ones, scalar, type Tensor, tensor, zeros } from "@dipp/tensor";
import {
  assignTree,
  cloneParams,
  flattenParams,
  gradTree,
  parameterCount,
  realizeParams,
  zerosLike,
  zipParams,
} from "./params.ts";

const tree = () => ({
  blocks: [{ weight: ones([3, 2]) }, { weight: zeros([2]) }],
  norm: { bias: ones([1]) },
  scale: scalar(2),
});

Deno.test("flattenParams() joins the path with dots", () => {
  assertEquals([...flattenParams(tree()).keys()], [
    "blocks.0.weight",
    "blocks.1.weight",
    "norm.bias",
    "scale",
  ]);
  assertEquals(parameterCount(tree()), 10);
});

Deno.test("zipParams() and zerosLike() keep the structure", async () => {
  await init();
  const zero = zerosLike(tree(), "f32");
  assertEquals(zero.blocks[0].weight.shape, [3, 2]);
  const sum = zipParams(([a, b, c]) => a.add(b).add(c), tree(), tree(), zero);
  assertEquals(await sum.scale.item(), 4);
  assertThrows(
    () => zipParams(([a]) => a, tree(), { scale: scalar(1) }),
    RangeError,
    "trees of 4 and 1 tensors",
  );
  assertThrows(
    () => zipParams(([a]) => a, { a: scalar(1) }, { b: scalar(1) }),
    RangeError,
    'no "a"',
  );
});

Deno.test("cloneParams() copies into memory of its own", async () => {
  await init();
  const params = await realizeParams({
    w: tensor([1, -0, 1e-41, NaN]),
    n: tensor(new Int32Array([7])),
    h: tensor([0.1, 2], [2], "bf16"),
  });
  const clone = await cloneParams(params);
  assignTree(params, zerosLike(params));
  await realizeParams(params);
  assertEquals(await params.n.item(), 0);
  const bits = new Uint32Array((await clone.w.data()).buffer);
  const nan = bits[3] & 0x7fffffff;
  assertEquals([...bits.slice(0, 3)], [0x3f800000, 0x80000000, 7136]);
  assert(nan > 0x7f800000);
  assertEquals(await clone.n.item(), 7);
  assertEquals(clone.h.dtype, "bf16");
  assertEquals((await clone.h.data())[1], 2);
});

Deno.test("assignTree() checks everything before it writes anything", async () => {
  await init();
  const params = await realizeParams({ a: scalar(1), b: zeros([2]) });
  assertThrows(
    () => assignTree(params, { a: scalar(5), b: zeros([3]) }),
    RangeError,
    'Cannot assign "b": its shape is [2], the value\'s [3]',
  );
  await realizeParams(params);
  assertEquals(await params.a.item(), 1);
  assignTree(params, { a: params.b.sum(), b: params.b.add(params.a) });
  await realizeParams(params);
  assertEquals(await params.a.item(), 0);
  assertEquals([...await params.b.data()], [1, 1]);
});

Deno.test("gradTree() has the structure of the parameters", async () => {
  await init();
  const params = await realizeParams({ w: [tensor([1, 2])], b: scalar(3) });
  const loss = params.w[0].square().sum().mul(params.b);
  const grads = gradTree(loss, params);
  assertEquals([...await grads.w[0].data()], [6, 12]);
  assertEquals(await grads.b.item(), 5);
});

Deno.test("a compiled step updates a tree in place", async () => {
  await init();
  const params = await realizeParams({ w: tensor([1, 2]) });
  const step = compile(({ by }: { by: Tensor }) => {
    assignTree(params, { w: params.w.mul(by) });
    return params.w.sum();
  });
  const sums = [step({ by: scalar(2) }), step({ by: scalar(10) })] as Tensor[];
  assertEquals(await sums[0].item(), 3);
  assertEquals(await sums[1].item(), 6);
  assertEquals([...await params.w.data()], [20, 40]);
});
