// Operations of integers and truth values, with NumPy's and torch's results and dtypes.

import { assertEquals, assertThrows } from "@std/assert";
import { arange, argmax, cumsum, type DType, grad, l2Normalize, realize, type Tensor, tensor } from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

guardDevice();

const i32 = (...values: number[]) => tensor(Int32Array.from(values));
const u32 = (...values: number[]) => tensor(Uint32Array.from(values));
const bool = (...values: number[]) => tensor(Uint8Array.from(values));

async function check(cases: readonly (readonly [string, Tensor, DType, number[]])[]): Promise<void> {
  await realize(...cases.map(([, t]) => t));
  for (const [what, t, dtype, expected] of cases) {
    assertEquals([what, t.dtype, [...await t.data()]], [what, dtype, expected]);
  }
}

Deno.test("truth values add as or, multiply as and, and count in sums", async () => {
  const [a, b] = [bool(1, 0, 1, 0), bool(1, 1, 0, 0)];
  await check([
    ["add", a.add(b), "bool", [1, 1, 1, 0]],
    ["mul", a.mul(b), "bool", [1, 0, 0, 0]],
    ["maximum", a.maximum(b), "bool", [1, 1, 1, 0]],
    ["minimum", a.minimum(b), "bool", [1, 0, 0, 0]],
    ["lt", a.lt(b), "bool", [0, 1, 0, 0]],
    ["ge", a.ge(b), "bool", [1, 0, 1, 1]],
    ["neg", a.neg(), "i32", [-1, 0, -1, 0]],
    ["add 1", a.add(1), "i32", [2, 1, 2, 1]],
    ["mul f32", a.mul(tensor([0.5, 1, 2, 3])), "f32", [0.5, 0, 2, 0]],
    ["max", a.max(), "bool", [1]],
    ["min", a.min(), "bool", [0]],
    ["prod", a.prod(), "i32", [0]],
    ["sum", a.sum(), "i32", [2]],
    ["cumsum", cumsum(a, 0), "i32", [1, 1, 2, 2]],
    ["argmax", argmax(b.logicalNot()), "i32", [2]],
  ]);
});

Deno.test("truth values do not subtract", () => {
  assertThrows(() => bool(1).sub(bool(0)), TypeError, "Cannot apply sub to bool tensors of shapes [1] and [1]");
});

Deno.test("quotients of integers are real; floorDivide() and remainder() go with the divisor's sign", async () => {
  const [n, d] = [i32(7, -7, 7, -7, 2147483647), i32(2, 2, -2, -2, 10)];
  await check([
    ["div", i32(1, -2, 3).div(2), "f32", [0.5, -1, 1.5]],
    ["div tensors", i32(1, -2, 3).div(i32(4, 4, 2)), "f32", [0.25, -0.5, 1.5]],
    ["floorDivide", n.floorDivide(d), "i32", [3, -4, -4, 3, 214748364]],
    ["remainder", n.remainder(d), "i32", [1, 1, -1, -1, 7]],
    ["u32", u32(7, 4294967295).floorDivide(2), "u32", [3, 2147483647]],
    ["f32", tensor([7.5, -7.5]).floorDivide(2), "f32", [3, -4]],
  ]);
});

Deno.test("functions of integers stay integers where torch's do", async () => {
  const x = i32(1, -2, 3);
  await check([
    ["pow", x.pow(4), "i32", [1, 16, 81]],
    ["pow tensors", x.pow(i32(5, 3, 2)), "i32", [1, -8, 9]],
    ["floor", x.floor(), "i32", [1, -2, 3]],
    ["round", x.round(), "i32", [1, -2, 3]],
    ["relu", x.relu(), "i32", [1, 0, 3]],
    ["cumsum", cumsum(x, 0), "i32", [1, -1, 2]],
    ["matmul", arange(6, "i32").reshape([2, 3]).matmul(arange(6, "i32").reshape([3, 2])), "i32", [10, 13, 28, 40]],
    ["large products", i32(46341, 1).matmul(i32(46337, 3)), "i32", [46341 * 46337 + 3]],
    ["batches", arange(4, "i32").reshape([2, 1, 2]).matmul(i32(1, 10)), "i32", [10, 32]],
  ]);
});

Deno.test("expand() keeps a length of -1", () => {
  assertEquals(tensor([[1], [2]]).expand([3, -1, 4]).shape, [3, 2, 4]);
  assertThrows(() => tensor([1]).expand([-1, 1]), RangeError, "Cannot expand [1] to [-1, 1]");
});

Deno.test("gradients at zero are torch's: of a norm zero, of a power its limit", async () => {
  const x = tensor([[0, 0], [3, 4]]);
  const base = tensor([0, 0, 0]);
  const exponent = tensor([2, 0, 1]);
  const [ofNorm] = grad(x.norm(2, 1).sum(), [x]);
  const [ofUnit] = grad(l2Normalize(x, 1, 0.5).mul(tensor([1, 0])).sum(), [x]);
  const [ofBase, ofExponent] = grad(base.pow(exponent).sum(), [base, exponent]);
  await realize(ofNorm, ofUnit, ofBase, ofExponent);
  assertEquals([...await ofNorm.data()].map((v) => Math.fround(v)), [0, 0, 0.6, 0.8].map(Math.fround));
  assertEquals([...await ofUnit.data()].slice(0, 2), [2, 0]);
  assertEquals([...await ofBase.data()], [0, 0, 1]);
  assertEquals([...await ofExponent.data()].map(Math.abs), [0, 0, 0]);
});
