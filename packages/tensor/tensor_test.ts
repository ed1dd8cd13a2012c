// What the reference cases leave out: NumPy's and torch's meaning of methods, and what is refused.

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  arange,
  cat,
  conv2d,
  crossEntropy,
  einsum,
  embedding,
  grad,
  linear,
  oneHot,
  ones,
  realize,
  sort,
  stack,
  type Tensor,
  tensor,
  topk,
  zeros,
} from "./mod.ts";

const list = async (x: Tensor): Promise<number[]> => [...await x.data()];
const table = () => arange(12).reshape([3, 4]);

Deno.test("slice() walks backwards with a negative step, as Python does", async () => {
  const x = arange(7);
  const slices: [Parameters<Tensor["slice"]>[0][number], number[]][] = [
    [[null, null, -1], [6, 5, 4, 3, 2, 1, 0]],
    [[5, 1, -2], [5, 3]],
    [[-2, null, -3], [5, 2]],
    [[null, -3, -1], [6, 5]],
    [[1, 5, -1], []],
    [[100, null, -4], [6, 2]],
    [[-100, 3], [0, 1, 2]],
  ];
  const parts = slices.map(([range]) => x.slice([range]));
  await realize(...parts);
  for (const [i, [, expected]] of slices.entries()) assertEquals(await list(parts[i]), expected);
});

Deno.test("slice() with a negative step passes its gradient back to where it read", async () => {
  const x = tensor([1, 2, 3, 4, 5]);
  const [g] = grad(x.slice([[null, null, -2]]).mul(tensor([10, 20, 30])).sum(), [x]);
  assertEquals(await list(g), [30, 0, 20, 0, 10]);
});

Deno.test("select(), chunk(), movedim(), flatten() and squeeze() follow torch", async () => {
  const x = table();
  assertEquals(await list(x.select(0, -1)), [8, 9, 10, 11]);
  assertEquals(x.chunk(3, 1).map((t) => t.shape), [[3, 2], [3, 2]]);
  assertEquals(zeros([2, 3, 4]).movedim(0, -1).shape, [3, 4, 2]);
  assertEquals(zeros([2, 3, 4]).flatten(0, 1).shape, [6, 4]);
  assertEquals(zeros([1, 3, 1]).squeeze().shape, [3]);
  assertEquals(stack([x, x], -1).shape, [3, 4, 2]);
});

Deno.test("prod() multiplies, and its gradient survives zeros", async () => {
  const x = tensor([[2, 3, 4], [5, 0, 6], [0, 7, 0]]);
  const y = x.prod(1);
  const [g] = grad(y.sum(), [x]);
  await realize(y, g);
  assertEquals(await list(y), [24, 0, 0]);
  assertEquals(await list(g), [12, 8, 6, 0, 30, 0, 0, 0, 0]);
});

Deno.test("std(), norm(), any(), all() and remainder() follow NumPy", async () => {
  const x = tensor([[3, -4], [0, 0]]);
  const results = [x.norm(2, 1), x.norm(1, 1), x.norm(Infinity, 1), x.std(1, false, 1)];
  const truths = [x.any(1), x.all(1), x.any()];
  const remainders = [tensor([5, -5, 5.5]).remainder(3), tensor(Int32Array.of(5, -5, 6)).remainder(-3)];
  await realize(...results, ...truths, ...remainders);
  assertEquals(await list(results[0]), [5, 0]);
  assertEquals(await list(results[1]), [7, 0]);
  assertEquals(await list(results[2]), [4, 0]);
  assertAlmostEquals((await list(results[3]))[0], Math.sqrt(24.5), 1e-5);
  assertEquals(await Promise.all(truths.map(list)), [[1, 0], [1, 0], [1]]);
  assertEquals(await list(remainders[0]), [2, 1, 2.5]);
  assertEquals(await list(remainders[1]), [-1, -2, 0]);
});

Deno.test("sort() is stable in both directions and on any axis; topk() takes its head", async () => {
  const x = tensor([[3, 1], [1, 1], [2, 5], [1, 0]]);
  const down = sort(x, 0, true);
  const { values, indices } = topk(x, 2, 0);
  const low = topk(x, 1, -1, false);
  await realize(down.values, down.indices, values, indices, low.values);
  assertEquals(await list(down.values), [3, 5, 2, 1, 1, 1, 1, 0]);
  assertEquals(await list(down.indices), [0, 2, 2, 0, 1, 1, 3, 3]);
  assertEquals(await list(values), [3, 5, 2, 1]);
  assertEquals(await list(indices), [0, 2, 2, 0]);
  assertEquals(await list(low.values), [1, 1, 2, 0]);
});

Deno.test("sort() passes gradients back to where values were", async () => {
  const x = tensor([0.3, -1, 2]);
  const [g] = grad(x.sort().values.mul(tensor([1, 2, 3])).sum(), [x]);
  assertEquals(await list(g), [2, 1, 3]);
});

Deno.test("einsum() takes ellipses, diagonals, and axes of length one", async () => {
  const x = arange(8).reshape([2, 2, 2]);
  const y = arange(4).reshape([2, 2]);
  const cases: [string, Tensor[], number[], number[]][] = [
    ["...ij,jk->...ik", [x, y], [2, 2, 2], [2, 3, 6, 11, 10, 19, 14, 27]],
    ["...ii->...i", [x], [2, 2], [0, 3, 4, 7]],
    ["iji->ij", [x], [2, 2], [0, 2, 5, 7]],
    ["iii", [x], [], [7]],
    ["ba", [y], [2, 2], [0, 2, 1, 3]],
    ["i...->...", [x], [2, 2], [4, 6, 8, 10]],
    ["ij,kj->ik", [y, ones([1, 2])], [2, 1], [1, 5]],
    ["...,...", [y, tensor([1, 10])], [2, 2], [0, 10, 2, 30]],
  ];
  const results = cases.map(([equation, inputs]) => einsum(equation, ...inputs));
  await realize(...results);
  for (const [i, [equation, , shape, expected]] of cases.entries()) {
    assertEquals(results[i].shape, shape, equation);
    assertEquals(await list(results[i]), expected, equation);
  }
});

Deno.test("dtypes promote as in torch, and functions of integers are real", async () => {
  const i = tensor(Int32Array.of(1, 4, 9));
  assertEquals(i.add(1).dtype, "i32");
  assertEquals(i.add(0.5).dtype, "f32");
  assertEquals(i.cast("bf16").add(i).dtype, "bf16");
  assertEquals(i.cast("bf16").add(i.cast("f16")).dtype, "f32");
  assertEquals(i.gt(2).sum().dtype, "i32");
  assertEquals(await list(i.sqrt()), [1, 2, 3]);
  assertAlmostEquals(await i.mean().item(), 14 / 3, 1e-6);
  assertEquals(await list(oneHot(tensor(Int32Array.of(2, 0)), 3)), [0, 0, 1, 1, 0, 0]);
});

Deno.test("what does not fit is refused with the op, the shapes and what was expected", () => {
  const [x, y] = [table(), zeros([2, 4])];
  const refusals: [() => unknown, string][] = [
    [() => x.add(y), "Cannot broadcast shapes [3, 4] and [2, 4] in add: axis 0 has lengths 3 and 2"],
    [() => x.matmul(y), "Cannot multiply matrices of shapes [3, 4] and [2, 4]: inner lengths differ"],
    [() => x.matmul(tensor(1)), "Cannot multiply matrices of shapes [3, 4] and []: expected at least one axis"],
    [() => x.reshape([5, -1]), "Cannot reshape [3, 4] to [5, -1]: expected 12 elements"],
    [() => x.permute([0, 0]), "Cannot permute [3, 4] by [0, 0]: expected each of 2 axes once"],
    [() => x.sum(2), "Cannot apply sum along axis 2: expected an integer in [-2, 1]"],
    [() => x.sum([0, -2]), "Cannot apply sum along axes [0, 0]: expected distinct axes"],
    [() => zeros([0, 3]).max(0), "Cannot take the max of [0, 3] along [0]: it has no elements"],
    [() => x.expand([3, 3, 5]), "Cannot expand [3, 4] to [3, 3, 5]: only axes of length 1 repeat"],
    [() => x.slice([[0, 1, 0]]), "Cannot slice axis 0 with step 0: expected a non-zero integer"],
    [() => x.slice([[0.5, 1]]), "Cannot slice axis 0 with start 0.5: expected an integer"],
    [() => x.select(1, 4), "Cannot select position 4 of axis 1 of [3, 4]: expected an integer in [-4, 3]"],
    [() => x.pad([[1, 1]]), "Cannot pad [3, 4] with 1 pairs: expected one for each of 2 axes"],
    [() => x.squeeze(0), "Cannot squeeze axis 0 of [3, 4]: expected length 1"],
    [() => x.split([1, 1]), "Cannot split axis 0 of [3, 4] into [1, 1]: expected a total of 3"],
    [() => x.chunk(0), "Cannot cut [3, 4] into 0 chunks: expected a positive integer"],
    [() => cat([x, zeros([3, 5])]), "Cannot cat shapes [3, 4] and [3, 5] along axis 0"],
    [() => topk(x, 5), "Cannot take the top 5 along axis -1 of [3, 4]: expected an integer in [0, 4]"],
    [() => x.norm(-1), "Cannot take the norm of order -1: expected a positive number or Infinity"],
    [() => x.gather(0, zeros([3], "i32")), "Cannot gather from [3, 4] with index of shape [3] along axis 0"],
    [() => linear(x, zeros([5, 3])), "Cannot apply linear to [3, 4]: the weight [5, 3] expects 3 features"],
    [() => embedding(x, tensor([0.5])), "Cannot read positions of dtype f32: expected i32 or u32"],
    [() => einsum("ij,jk->ik", x, y), 'Cannot apply einsum "ij,jk->ik": "j" has lengths 4 and 2'],
    [() => einsum("ij,jk", x), 'Cannot apply einsum "ij,jk": it names 2 inputs, got 1'],
    [() => einsum("i->i", x), 'Cannot apply einsum "i->i": "i" does not fit shape [3, 4]'],
    [() => einsum("ij->ik", x), `Cannot apply einsum "ij->ik": the output's "k" is in no input`],
    [() => einsum("ij->ii", x), 'Cannot apply einsum "ij->ii": a letter occurs twice in the output'],
    [() => einsum("i.j", x), 'Cannot apply einsum "i.j": expected letters, commas, ellipses and one arrow'],
    [() => conv2d(zeros([1, 3, 4, 4]), zeros([2, 4, 3, 3])), "Cannot convolve [1, 3, 4, 4] with [2, 4, 3, 3]"],
    [() => crossEntropy(x, zeros([2], "i32")), "Cannot take the cross entropy of [3, 4] with i32 targets [2]"],
    [() => tensor([[1], [2, 3]]), "Cannot make a tensor of ragged data"],
  ];
  for (const [act, message] of refusals) {
    const error = assertThrows(act) as Error;
    assertEquals(error.message.slice(0, message.length), message);
    assertEquals(error instanceof RangeError || error instanceof TypeError, true, message);
  }
});
