import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { assign, compile, init, ones, realize, scalar, type Tensor, tensor } from "../mod.ts";
import { buffersLeft, guardDevice } from "../testing_device.ts";

const device = await init();
guardDevice();

Deno.test("using frees a tensor's memory at the end of its block", async () => {
  const left = await buffersLeft(async () => {
    using x = tensor([1, 2, 3]);
    using y = await x.mul(2).realize();
    assertEquals([...await y.data()], [2, 4, 6]);
    assertEquals([...await y.slice([[1]]).data()], [4, 6]);
  });
  assertEquals(left, 0);
});

Deno.test("a disposed tensor names itself wherever it is used; disposing it again does nothing", async () => {
  const host = tensor([1, 2, 3]), stored = await ones([2, 2]).mul(3).realize(), lazy = ones([4]).exp();
  const built = stored.add(1);
  for (const t of [host, stored, lazy]) {
    t.dispose();
    t.dispose();
  }
  await assertRejects(() => host.data(), TypeError, "Cannot use Tensor([3], f32, data): it was disposed");
  await assertRejects(() => stored.data(), TypeError, "Cannot use Tensor([2, 2], f32, mul): it was disposed");
  await assertRejects(() => lazy.data(), TypeError, "Cannot use Tensor([4], f32, exp): it was disposed");
  await assertRejects(() => built.realize(), TypeError, "Cannot use Tensor([2, 2], f32, mul): it was disposed");
  const step = compile(({ x }: { x: Tensor }) => x.mul(2));
  assertThrows(() => step({ x: stored }), TypeError, "Cannot use Tensor([2, 2], f32, mul): it was disposed");
  assign(stored, ones([2, 2]));
  await assertRejects(() => realize(), TypeError, "it was disposed");
  // The update that failed is not tried again
  await realize();
});

Deno.test("a failing realize() leaves no buffer behind, and its tensors can be computed later", async () => {
  const gone = tensor([1, 2]);
  gone.dispose();
  const fine = await ones([2]).mul(2).realize();
  const both = [fine.add(1), gone.add(fine)];
  const left = await buffersLeft(() => assertRejects(() => realize(...both), TypeError, "disposed").then(() => {}));
  assertEquals(left, 0);
  assertEquals([...await both[0].data()], [3, 3]);
});

Deno.test("a compiled step says at its next call that something it captured was disposed", async () => {
  const weight = await tensor([1, 2]).realize();
  const step = compile(({ x }: { x: Tensor }) => x.mul(weight));
  using y = step({ x: tensor([3, 4]) });
  assertEquals([...await y.data()], [3, 8]);
  weight.dispose();
  for (let i = 0; i < 2; i++) assertThrows(() => step({ x: tensor([3, 4]) }), TypeError, "it was disposed");
});

Deno.test("a compiled step keeps what it captured alive, and frees what it keeps when it is disposed", async () => {
  const left = await buffersLeft(async () => {
    using weight = await tensor([[1, 2], [3, 4]]).realize();
    using step = compile(({ x }: { x: Tensor }) => x.matmul(weight).tanh().matmul(weight));
    for (const rows of [1, 5]) step({ x: tensor(new Float32Array(2 * rows), [rows, 2]) }).dispose();
    assert(device.stats().liveBuffers > 1);
  });
  assertEquals(left, 0);
});

Deno.test("a disposed compiled step traces again when it is called", () => {
  let traces = 0;
  const step = compile(({ x }: { x: Tensor }) => (traces++, x.add(1)));
  step({ x: scalar(1) }).dispose();
  step.dispose();
  step.dispose();
  step({ x: scalar(1) }).dispose();
  assertEquals(traces, 2);
  step.dispose();
});

Deno.test("hundreds of steps and realisations keep every counter of memory flat", async () => {
  const [p, m] = await Promise.all([tensor([0, 0, 0]).realize(), tensor([0, 0, 0]).realize()]);
  const step = compile(({ lr }: { lr: Tensor }) => {
    const g = p.sub(1).mul(2);
    const next = m.mul(0.9).add(g);
    assign(m, next);
    assign(p, p.sub(next.mul(lr)));
    return { loss: p.sub(1).square().sum(), g };
  });
  const memory = () => {
    const { liveBuffers, liveBytes, pooledBytes, peakBytes, tensors, tensorBytes, pipelines } = device.stats();
    return { liveBuffers, liveBytes, pooledBytes, peakBytes, tensors, tensorBytes, pipelines };
  };
  const round = async () => {
    const { loss, g } = step({ lr: scalar(0.01) });
    g.dispose();
    using product = p.mul(m).add(loss);
    await product.realize();
    loss.dispose();
  };
  await round();
  await round();
  const before = memory();
  for (let i = 0; i < 300; i++) await round();
  assertEquals(memory(), before);
  assert(Math.abs((await p.data())[0] - 1) < 0.1);
  step.dispose();
  p.dispose();
  m.dispose();
});

Deno.test("a function that throws while it is compiled has changed nothing and left nothing", async () => {
  using state = await tensor([1, 2]).realize();
  const left = await buffersLeft(() => {
    const step = compile(({ x }: { x: Tensor }) => {
      assign(state, x.mul(2));
      if (x.ndim === 1) throw new Error("no good");
      return x;
    });
    assertThrows(() => step({ x: tensor([5, 6]) }), Error, "no good");
  });
  assertEquals(left, 0);
  await realize();
  assertEquals([...await state.data()], [1, 2]);
});

Deno.test("inside a traced function nothing can be read, realised or called, and nothing of it used outside", async () => {
  const inner = compile(({ x }: { x: Tensor }) => x.add(1));
  assertThrows(() => compile(({ x }: { x: Tensor }) => inner({ x }))({ x: scalar(1) }), TypeError, "traced");
  const seen: Promise<unknown>[] = [];
  let kept: Tensor | undefined;
  const step = compile(({ x }: { x: Tensor }) => {
    kept = x;
    seen.push(assertRejects(() => x.data(), TypeError, "traced"), assertRejects(() => realize(x), TypeError, "traced"));
    assertThrows(() => assign(x, x.add(1)), TypeError, "an input of a function that is traced");
    return x.mul(2);
  });
  step({ x: scalar(1) }).dispose();
  await Promise.all(seen);
  await assertRejects(() => kept!.add(1).data(), TypeError, "stood for an input");
  const asynchronous = compile(((x: Tensor) => Promise.resolve(x)) as unknown as (x: Tensor) => Tensor);
  assertThrows(() => asynchronous(scalar(1)), TypeError, "expected a synchronous function");
  step.dispose();
});
