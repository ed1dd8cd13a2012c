import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { sizeClass as webGpuSize } from "../backend/webgpu_memory.ts";
import {
  assign,
  checkpoint,
  compile,
  conv2d,
  explain,
  type Explanation,
  gelu,
  grad,
  init,
  key,
  linear,
  randn,
  realize,
  softmax,
  type Tensor,
  tensor,
  vjp,
} from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

const device = await init();
guardDevice();

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
/** Bytes behind a buffer of some bytes. */
const sizeClass = (bytes: number) =>
  device.backend === "webgpu" ? webGpuSize(bytes) : Math.max(1, Math.ceil(bytes / 64)) * 64;
/** Bytes behind the buffers of a plan, as the device rounds them. */
const rounded = ({ memory: { given, outputs, shared } }: Explanation) =>
  sum([...given, ...outputs, ...shared].map(sizeClass));

/** Buffers of what is out of reach go back at any time, so nothing gets there. */
const held: unknown[] = [];

const LAYERS = 6;

/** The step of a deep network, whose blocks are remembered or computed again. */
function deepStep(
  block: (x: Tensor, w: Tensor) => Tensor,
  weights: readonly Tensor[],
  again: boolean,
): (inputs: { x: Tensor }) => { loss: Tensor } {
  return ({ x }) => {
    const out = weights.reduce((h, w) => again ? checkpoint(block, h, w) : block(h, w), x);
    const loss = out.square().mean();
    grad(loss, weights).forEach((g, i) => assign(weights[i], weights[i].sub(g.mul(0.1))));
    return { loss };
  };
}

const mlp = (x: Tensor, w: Tensor) =>
  gelu(gelu(linear(gelu(linear(x, w)), w.transpose(0, 1))).matmul(w)).matmul(w).tanh().add(x);
const conv = (x: Tensor, w: Tensor) =>
  conv2d(gelu(conv2d(gelu(conv2d(x, w, { padding: 1 })), w, { padding: 1 })), w, { padding: 1 }).add(x);

for (
  const [name, block, xShape, wShape, flops] of [
    // What a block computes again: four products, and two of its three convolutions, as no gradient needs the last
    ["matrix products", mlp, [256, 32], [32, 32], 4 * 2 * 256 * 32 * 32],
    ["convolutions", conv, [2, 4, 24, 24], [4, 4, 3, 3], 2 * 2 * (2 * 4 * 24 * 24) * (4 * 3 * 3)],
  ] as const
) {
  Deno.test(`the memory of a step of ${name} is known before it runs, and checkpoint() lowers it`, async () => {
    const weights = Array.from({ length: LAYERS }, (_, i) => randn(key(i), wShape).mul(0.1));
    const x = randn(key(99), xShape);
    await realize(x, ...weights);
    const [kept, again] = [false, true].map((c) => explain(deepStep(block, weights, c), { x }));
    for (const [plan, isAgain] of [[kept, false], [again, true]] as const) {
      const before = device.stats().liveBytes;
      const step = compile(deepStep(block, weights, isAgain));
      const { loss } = step({ x });
      assert(Number.isFinite(await loss.item()));
      // The weights lie on the device already
      const there = sum(weights.map((w) => sizeClass(4 * w.size)));
      assertEquals(device.stats().liveBytes - before, rounded(plan) - there);
      assert(rounded(plan) <= plan.memory.peak * 9 / 8 + 256 * 100);
      held.push(step, loss, weights, x);
    }
    assert(again.memory.peak < 0.8 * kept.memory.peak, `${again.memory.peak} of ${kept.memory.peak} bytes`);

    assertEquals(kept.totals.recomputedFlops, 0);
    const more = again.totals.flops - kept.totals.flops;
    assert(more >= LAYERS * flops && more < LAYERS * flops + 0.05 * kept.totals.flops, `${more} flop more`);
    const marked = again.totals.recomputedFlops;
    assert(marked >= LAYERS * flops && marked < 1.1 * LAYERS * flops, `${marked} flop marked`);
    assertStringIncludes(`${again}`, "again: ");
  });
}

Deno.test("explain() counts the operations of products and convolutions as their closed forms do", () => {
  const flops = (...tensors: Tensor[]) => explain(...tensors).totals.flops;
  const leaf = (...shape: number[]) => tensor(new Float32Array(sum([shape.reduce((a, b) => a * b, 1)])), shape);
  assertEquals(flops(leaf(3, 5, 7).matmul(leaf(3, 7, 2))), 2 * 3 * 5 * 7 * 2);
  const [x, w] = [leaf(2, 6, 9, 8), leaf(4, 3, 3, 2)];
  const y = conv2d(x, w, { stride: 2, padding: 1, groups: 2 });
  assertEquals(y.shape, [2, 4, 5, 5]);
  const once = 2 * (2 * 4 * 5 * 5) * 3 * (3 * 2);
  assertEquals(flops(y), once);
  const cotangent = leaf(...y.shape);
  const [gx, gw] = vjp([y], [cotangent], [x, w]);
  assertEquals(flops(gx), once);
  assertEquals(flops(gw), once);
  assertEquals(flops(leaf(6, 4).exp().add(1).sum(1)), 6 * 4 * 3);
  assertEquals(flops(leaf(6, 4).sum(1).mul(2).exp()), 6 * 4 + 6 * 2);
});

Deno.test("explain() says what each kernel reads, writes and fuses", () => {
  const packed = tensor(new Float32Array(1000), [1000]);
  const [a, b] = [packed.slice([[0, 48]]).reshape([6, 8]), packed.slice([[100, 124]]).reshape([8, 3])];
  const { kernels, totals, memory } = explain(softmax(a.matmul(b).tanh(), -1));
  assertEquals(kernels[0].fused, ["matmul", "tanh"]);
  // Two parts of one vector are seen, not the vector
  assertEquals(kernels[0].inputs.map((t) => t.bytes), [4 * (48 + 24)]);
  assertEquals(kernels[0].output, { shape: [6, 3], dtype: "f32", bytes: 4 * 18 });
  assertEquals(kernels.at(-1)!.buffer, "output");
  assert(kernels.slice(0, -1).every((k) => typeof k.buffer === "number"));
  assertEquals(totals.dispatches, kernels.length);
  assertEquals(totals.bytesMoved, sum(kernels.map((k) => sum(k.inputs.map((t) => t.bytes)) + k.output.bytes)));
  assertEquals(memory.given, [4000]);
  assertEquals(memory.outputs, [4 * 18]);
});

Deno.test("explain() shows pending updates and leaves them pending", async () => {
  const x = await tensor([1, 2]).realize();
  assign(x, x.mul(3));
  const { kernels } = explain();
  assertEquals(kernels.map((k) => [k.buffer, k.inPlace]), [["state", true]]);
  assertStringIncludes(`${explain()}`, "in place");
  await realize();
  assertEquals([...await x.data()], [3, 6]);
  assertEquals(explain().kernels, []);
});

Deno.test("explain() runs nothing and allocates nothing", () => {
  const before = device.stats();
  const x = tensor(new Float32Array(4096), [64, 64]);
  explain(x.matmul(x).exp());
  explain(({ x }: { x: Tensor }) => x.matmul(x).exp(), { x });
  assertEquals(device.stats(), before);
  // @ts-expect-error: neither a tensor nor a function
  assertThrows(() => explain("x"), TypeError, "Cannot explain x: expected tensors");
});

Deno.test("second derivatives pass through checkpoint()", async () => {
  const x = tensor([0.5, -1, 2]);
  const cube = (t: Tensor) => checkpoint((u: Tensor) => u.square().mul(u), t);
  const [g] = grad(cube(x).sum(), [x]);
  const [h] = grad(g.mul(tensor([1, 2, 3])).sum(), [x]);
  assertEquals([...await h.data()], [3, -12, 36]);
});
