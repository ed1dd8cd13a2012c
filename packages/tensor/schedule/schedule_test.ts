import { assert, assertEquals } from "@std/assert";
import { cat, gelu, grad, layerNorm, linear, softmax, type Tensor, tensor } from "../mod.ts";
import { ones } from "../creation.ts";
import { describePlan } from "./describe.ts";
import { leastBytes, planMemory } from "./memory.ts";
import type { Target } from "./lower.ts";
import { schedule } from "./schedule.ts";

const target: Target = { kind: "software", maxBuffers: 8 };
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
    { first: 4, last: 9, bytes: 400 },
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

Deno.test("planMemory() stays within a quarter of the bytes alive at once, whatever the lifetimes", () => {
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  for (let round = 0; round < 20; round++) {
    const lifetimes = Array.from({ length: 300 }, () => {
      const first = Math.floor(random() * 400);
      return { first, last: first + Math.floor(random() ** 3 * 100), bytes: 4 * 96 * 2 ** Math.floor(random() * 8) };
    });
    const { slots, slotOf } = planMemory(lifetimes);
    const total = slots.reduce((a, b) => a + b, 0);
    const least = leastBytes(lifetimes);
    assert(total >= least && total < 1.25 * least, `${total / least} times the bytes alive in round ${round}`);
    lifetimes.forEach((a, i) => {
      assert(slots[slotOf[i]] >= a.bytes);
      for (let j = 0; j < i; j++) {
        const b = lifetimes[j];
        assert(slotOf[i] !== slotOf[j] || a.last < b.first || b.last < a.first);
      }
    });
  }
});

Deno.test("what lets go of memory runs first, and state is overwritten only after all have read it", () => {
  const weights = Array.from({ length: 6 }, () => leaf(16, 16));
  const loss = weights.reduce((h, w) => h.matmul(w).tanh(), leaf(512, 16)).square().sum();
  const gradients = grad(loss, weights);
  const updates = gradients.map((g, i) => ({ target: weights[i], value: weights[i].sub(g) }));
  const { kernels, lifetimes, inPlace } = describePlan([], updates, target);
  assertEquals(inPlace.size, weights.length);
  // No more than the activations of all layers and one or two gradients
  const activation = 4 * 512 * 16;
  assert(leastBytes([...lifetimes.values()]) <= 8 * activation);
  for (const [value, state] of inPlace) {
    const at = kernels.findIndex((k) => k.root === value);
    assert(at >= kernels.findLastIndex((k) => k.reads.includes(state)));
  }
  const done = new Set<Tensor>();
  for (const { root, reads } of kernels) {
    for (const t of reads) assert(t.storage !== undefined || done.has(t));
    done.add(root);
  }
});

Deno.test("ones() needs no kernel of its own", () => {
  assertEquals(kernels(leaf(3).add(ones([3]))).length, 1);
});
