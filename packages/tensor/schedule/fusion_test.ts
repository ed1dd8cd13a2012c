// Which kernels a graph may become: what rides along, and what is never copied.

import { assert, assertEquals } from "@std/assert";
import { conv2d, gelu, grad, groupNorm, linear, pack, type Tensor, tensor, unpack, vjp } from "../mod.ts";
import { describePlan } from "./describe.ts";
import { isLeaf } from "./group.ts";
import { kernelCost } from "./kernel_cost.ts";
import type { LoweredKernel, Target } from "./lower.ts";

const target: Target = { kind: "software", maxBuffers: 12 };
const leaf = (...shape: number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
const kernels = (...outputs: Tensor[]) => describePlan(outputs, [], target).kernels;
const cores = (list: readonly LoweredKernel[]) => list.map((k) => k.core?.primitive.kind ?? "elementwise");

/** Kernels that compute nothing: they copy what a view shows. */
function copiesOfViews(list: readonly LoweredKernel[]): LoweredKernel[] {
  const roots = new Set(list.map((k) => k.root));
  const stored = (t: Tensor) => isLeaf(t) || roots.has(t);
  const isView = ({ primitive: p }: Tensor) => p.kind === "inline" && p.view;
  return list.filter((k) => !k.core && kernelCost(k, stored).nodes.every(isView));
}

Deno.test("a hundred elementwise operations with broadcasts and views are one kernel", () => {
  const [row, column, image] = [leaf(8), leaf(6, 1), leaf(8, 6)];
  let x = leaf(6, 8);
  for (let i = 0; i < 25; i++) {
    x = x.mul(row).add(column).sub(image.transpose(0, 1)).tanh();
    if (i % 5 === 0) x = x.reshape([3, 16]).flip(0).permute([1, 0]).reshape([6, 8]);
  }
  assertEquals(cores(kernels(x)), ["elementwise"]);
});

Deno.test("bias, activation, residual and scale ride in the epilogue of a product", () => {
  const [x, w, b, gate] = [leaf(4, 32, 16), leaf(24, 16), leaf(24), leaf(4, 1, 24)];
  const y = gelu(linear(x, w, b)).mul(gate).add(leaf(4, 32, 24)).mul(0.5);
  assertEquals(cores(kernels(y)), ["matmul"]);
});

Deno.test("bias, activation, residual and scale ride in the epilogue of a convolution", () => {
  const [x, w, bias] = [leaf(2, 8, 9, 9), leaf(8, 8, 3, 3), leaf(8)];
  const y = conv2d(x, w, { bias, padding: 1 }).silu().add(x).mul(0.5);
  assertEquals(cores(kernels(y)), ["conv2d"]);
});

Deno.test("the gradient of an activation rides in the epilogue of the product below it", () => {
  const [x, w1, w2] = [leaf(32, 16), leaf(24, 16), leaf(8, 24)];
  const hidden = linear(x, w1);
  const [g] = vjp([linear(gelu(hidden), w2)], [leaf(32, 8)], [x]);
  // Forward to the activation's input; back through the second layer and the activation, and through the first
  assertEquals(cores(kernels(g)), ["matmul", "matmul", "matmul"]);
});

Deno.test("a group norm's scale, shift and activation are one pass over its input, after its statistics", () => {
  const [x, weight, bias] = [leaf(2, 8, 16, 16), leaf(8), leaf(8)];
  const list = kernels(groupNorm(x, 4, { weight, bias }).silu());
  assert(list.filter((k) => k.root.size === x.size).length <= 2, `${cores(list)}`);
});

Deno.test("packed gradients of layers are copied from where they are computed", () => {
  const shapes = [[24, 16], [24], [8, 24], [8]];
  const packed = leaf(24 * 16 + 24 + 8 * 24 + 8);
  const parameters = unpack(packed, shapes);
  const [w1, b1, w2, b2] = parameters;
  const loss = linear(gelu(linear(leaf(32, 16), w1, b1)), w2, b2).square().sum();
  const list = kernels(pack(grad(loss, parameters)));
  assertEquals(copiesOfViews(list), []);
  assertEquals(list.at(-1)?.reads.length, shapes.length);
});

Deno.test("what no product can read in place is copied once, for forward and backward", () => {
  const [heads, w] = [leaf(2, 3, 16, 4).exp(), leaf(12, 12)];
  const rows = heads.permute([0, 2, 1, 3]).reshape([32, 12]);
  const y = rows.matmul(w);
  const list = kernels(y, ...vjp([y], [leaf(32, 12)], [w]));
  assertEquals(cores(list), ["elementwise", "matmul", "matmul"]);
});

Deno.test("slices, transposes and reshapes are read where they lie", () => {
  const packed = leaf(3, 64, 48);
  const [q, k] = [0, 1].map((i) => packed.slice([[i, i + 1]]).reshape([2, 32, 4, 12]).permute([0, 2, 1, 3]));
  assertEquals(cores(kernels(q.matmul(k.transpose(-1, -2)))), ["matmul"]);
  assertEquals(cores(kernels(packed.flip(1).slice([null, [0, 64, 2]]).permute([1, 0, 2]).sum(0))), ["reduce"]);
});

Deno.test("a small value that many read through a view is stored once, as it is", () => {
  const scale = leaf(8).square().sum().add(1).sqrt().reciprocal();
  const list = kernels(leaf(64, 64).mul(scale), leaf(32, 64).mul(scale));
  assertEquals(copiesOfViews(list), []);
  assertEquals(list.length, 3);
});
