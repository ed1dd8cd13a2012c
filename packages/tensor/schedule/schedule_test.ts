import { assert, assertEquals } from "@std/assert";
import { cat, gelu, grad, layerNorm, linear, softmax, type Tensor, tensor } from "../mod.ts";
import { ones } from "../creation.ts";
import { planMemory } from "./memory.ts";
import { schedule } from "./schedule.ts";

const target = { kind: "software" as const, maxBuffers: 8 };
const leaf = (...shape: number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
const kernels = (...outputs: Tensor[]) => schedule(outputs, target);

Deno.test("a chain of elementwise operations, broadcasts and views is one kernel", () => {
  const [x, y, bias] = [leaf(4, 6), leaf(6, 4), leaf(6)];
  const out = x.mul(2).add(bias).sub(y.transpose(0, 1)).exp().reshape([3, 8]).slice([[0, 2]]).flip(1);
  assertEquals(kernels(out).length, 1);
});

Deno.test("bias, activation and residual ride in the epilogue of a matmul", () => {
  const out = gelu(linear(leaf(32, 16), leaf(8, 16), leaf(8))).add(leaf(32, 8));
  const [kernel, ...rest] = kernels(out);
  assertEquals(rest.length, 0);
  assertEquals(kernel.core?.primitive.kind, "matmul");
});

Deno.test("operands of a matmul are read through their views", () => {
  const [q, k] = [leaf(2, 5, 3, 4), leaf(2, 5, 3, 4)];
  const scores = q.permute([0, 2, 1, 3]).matmul(k.permute([0, 2, 3, 1]));
  assertEquals(kernels(scores).length, 1);
});

Deno.test("a reduction takes its input chain and its own epilogue into one kernel", () => {
  assertEquals(kernels(leaf(4, 8).square().mean(1).add(1e-5).rsqrt()).length, 1);
});

Deno.test("softmax is four kernels and layer norm three", () => {
  assert(kernels(softmax(leaf(8, 16))).length <= 4);
  assert(kernels(layerNorm(leaf(8, 16), { weight: leaf(16), bias: leaf(16) })).length <= 3);
});

Deno.test("a costly value read by two kernels is computed once", () => {
  const e = leaf(64, 64).exp();
  const plan = kernels(e.sum(0), e.sum(1));
  assertEquals(plan.length, 3);
  assert(plan.some((k) => k.root === e));
});

Deno.test("a cheap value read by two kernels is computed in both", () => {
  const shifted = leaf(64, 64).add(1);
  assertEquals(kernels(shifted.sum(0), shifted.sum(1)).length, 2);
});

Deno.test("a kernel never binds more buffers than the device allows", () => {
  const parts = Array.from({ length: 20 }, () => leaf(2, 3).exp());
  for (const kernel of kernels(cat(parts, 1))) assert(kernel.reads.length + 1 <= target.maxBuffers);
});

Deno.test("every kernel comes after those that it reads", () => {
  const x = leaf(8, 8);
  const h = gelu(linear(x, leaf(8, 8), leaf(8)));
  const [g] = grad(softmax(h.matmul(x)).mul(h).sum(), [x]);
  const plan = kernels(g, h);
  const done = new Set<Tensor>();
  for (const kernel of plan) {
    for (const read of kernel.reads) assert(read.storage !== undefined || done.has(read));
    done.add(kernel.root);
  }
});

Deno.test("planMemory() shares buffers between lifetimes that do not meet, and only those", () => {
  const lifetimes = [
    { first: 0, last: 1, bytes: 100 },
    { first: 1, last: 2, bytes: 100 },
    { first: 2, last: 3, bytes: 80 },
    { first: 3, last: 9, bytes: 400 },
  ];
  const { slots, slotOf } = planMemory(lifetimes);
  assertEquals(slots.length, 2);
  lifetimes.forEach((a, i) =>
    lifetimes.forEach((b, j) => {
      if (i < j && slotOf[i] === slotOf[j]) assert(a.last < b.first || b.last < a.first);
    })
  );
  lifetimes.forEach(({ bytes }, i) => assert(slots[slotOf[i]] >= bytes));
});

Deno.test("ones() needs no kernel of its own", () => {
  assertEquals(kernels(leaf(3).add(ones([3]))).length, 1);
});
