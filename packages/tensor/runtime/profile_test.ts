import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { assign, explain, grad, init, key, linear, pack, profile, randn, realize, type Tensor } from "../mod.ts";
import { buffersLeft, guardDevice } from "../testing_device.ts";

await init();
guardDevice();

const [w, v, count] = [randn(key(1), [32, 32]), randn(key(2), [32, 32]), randn(key(3), [1]).mul(0)];
const x = randn(key(4), [16, 32]);
await realize(w, v, count, x);

const step = ({ x }: { x: Tensor }) => {
  const loss = linear(linear(x, w).tanh(), v).square().sum();
  assign(count, count.add(1));
  return { loss, gradients: pack(grad(loss, [w, v])) };
};

Deno.test("profile() times every command of the plan that explain() shows, kernels of equal work together", async () => {
  const plan = explain(step, { x });
  const times = await profile(step, { x }, { steps: 2 });
  const total = (of: (k: typeof times.kernels[number]) => number) => times.kernels.reduce((n, k) => n + of(k), 0);
  assertEquals(total((k) => k.count), plan.totals.dispatches + plan.totals.copies);
  assertEquals(total((k) => k.flops), plan.totals.flops);
  assertEquals(total((k) => k.bytes), plan.totals.bytesMoved);
  assertAlmostEquals(total((k) => k.share), 1, 1e-9);
  assertAlmostEquals(total((k) => k.seconds), times.seconds, 1e-12);
  assert(times.stepSeconds > 0);
  assert(times.kernels.every((k, i) => i === 0 || k.seconds <= times.kernels[i - 1].seconds));
  // The gradients of both weights are products of the same shapes
  assert(times.kernels.some((k) => k.kind === "matmul" && k.count === 2));
  assertMatch(times.toString(2), /share[^]*2 others|\d+ others[^]*ms a step where nothing is timed inside it/);
});

Deno.test("profile() carries out assignments in every run and leaves no memory behind", async () => {
  const before = await count.item();
  assertEquals(
    await buffersLeft(async () => {
      await profile(step, { x }, { steps: 2 });
    }),
    0,
  );
  // One run to warm up, two timed kernel by kernel, two timed as a whole
  assertEquals(await count.item() - before, 5);
});

Deno.test("profile() refuses steps that are no number of runs", async () => {
  await assertRejects(() => profile(step, { x }, { steps: 0 }), RangeError, "Cannot profile 0 steps: expected a whole");
});
