/** What happens when a WebGPU device gives no memory, or goes away. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createWebGpuBackend } from "../backend/webgpu.ts";
import { assign, compile, init, ones, realize, type Tensor, tensor, zeros } from "../mod.ts";
import { buffersLeft, guardDevice } from "../testing_device.ts";
import { adopt } from "./storage.ts";

// The engine keeps its device to itself, so the tests look over its shoulder
const opened: GPUDevice[] = [];
const { requestDevice } = GPUAdapter.prototype;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await requestDevice.call(this, descriptor);
  opened.push(device);
  return device;
};

let device = await init({ device: "webgpu" });
const gpu = opened[0];
guardDevice();

/** Lets the device run out of memory for buffers of some bytes on: they are there, but void, as the real ones are. */
async function exhausted(from: number, work: () => Promise<void>): Promise<void> {
  const { createBuffer, popErrorScope } = gpu;
  let failed = false;
  gpu.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    failed = descriptor.size >= from;
    if (failed) buffer.destroy();
    return buffer;
  };
  gpu.popErrorScope = function () {
    const result = popErrorScope.call(this);
    if (!failed) return result;
    failed = false;
    return result.then(() => new GPUOutOfMemoryError("Not enough memory left"));
  };
  try {
    await work();
  } finally {
    gpu.createBuffer = createBuffer;
    gpu.popErrorScope = popErrorScope;
  }
}

Deno.test("a tensor beyond the adapter's limit is an error that names it, and nothing is left of the attempt", async () => {
  const rows = 2 ** 20, columns = 2 ** 12;
  const left = await buffersLeft(async () => {
    const huge = zeros([rows, columns]).exp();
    const error = await assertRejects(() => huge.realize(), RangeError);
    assertMatch(
      error.message,
      /^Cannot allocate 17179869184 bytes for Tensor\(\[1048576, 4096\], f32, exp\): the adapter/,
    );
    const step = compile(({ x }: { x: Tensor }) => x.expand([rows, columns]).exp());
    const again = assertThrows(() => step({ x: tensor([[1]]) }), RangeError);
    assertMatch(again.message, /Tensor\(\[1048576, 4096\], f32, exp\)/);
  });
  assertEquals(left, 0);
  // Its sum needs no such buffer
  assertEquals(await zeros([rows, columns]).sum().item(), 0);
});

Deno.test("exhausted memory is an error that names the tensor, which can be computed later", async () => {
  const x = ones([1000, 1000]).exp();
  const left = await buffersLeft(() =>
    exhausted(2 ** 21, async () => {
      const error = await assertRejects(() => x.realize(), Error);
      assertMatch(
        error.message,
        /exhausted: no \d+ bytes left for Tensor\(\[1000, 1000\], f32, exp\), beside \d+ live/,
      );
      await assertRejects(() => x.data(), Error, "for Tensor([1000, 1000], f32, exp)");
      using small = tensor([1, 2]);
      using twice = small.mul(2);
      assertEquals([...await twice.data()], [2, 4]);
    })
  );
  assertEquals(left, 0);
  assertEquals((await x.data())[999_999], Math.fround(Math.E));
  x.dispose();
});

Deno.test("data that found no memory stays an error, and takes nothing with it", async () => {
  const data = tensor(new Float32Array(700_000).fill(3));
  await exhausted(2 ** 20, async () => {
    await assertRejects(() => data.add(1).sum().data(), Error, "bytes left for Tensor([700000], f32, data)");
  });
  await assertRejects(() => data.add(1).sum().data(), Error, "bytes left for Tensor([700000], f32, data)");
  data.dispose();
  assertEquals(await tensor([4]).add(1).item(), 5);
});

Deno.test("a compiled step that found no memory is compiled again at the next call", async () => {
  const state = await tensor([1]).realize();
  const step = compile(({ x }: { x: Tensor }) => {
    const y = x.expand([1200, 700]).exp();
    assign(state, state.add(1));
    return y.add(y.sum(0)).sum();
  });
  await exhausted(2 ** 20, async () => {
    await assertRejects(async () => await step({ x: tensor([[0]]) }).data(), Error, "The device's memory is exhausted");
    assertThrows(() => step({ x: tensor([[0]]) }), Error, "The device's memory is exhausted");
  });
  assertEquals(await state.item(), 1);
  assertEquals(await step({ x: tensor([[0]]) }).item(), 1200 * 700 + 1200 * 1200 * 700);
  assertEquals(await state.item(), 2);
  step.dispose();
});

Deno.test("a tensor of another device is refused", async () => {
  const other = await createWebGpuBackend();
  const x = tensor([1, 2]);
  adopt(x.storage = {}, other, other.allocate(8));
  await assertRejects(() => x.data(), TypeError, "Cannot use Tensor([2], f32, data): it lies on another device");
  await assertRejects(() => x.add(ones([2])).realize(), TypeError, "another device");
  const step = compile(({ y }: { y: Tensor }) => y.mul(2));
  assertThrows(() => step({ y: x }), TypeError, "another device");
  other.destroy();
});

Deno.test("after its loss every call says so, until init() opens the device again", async () => {
  const stored = await ones([3]).mul(2).realize(), host = tensor([1, 2, 3]);
  const free = compile(({ x }: { x: Tensor }) => x.mul(3)), bound = compile(({ x }: { x: Tensor }) => x.mul(stored));
  free({ x: host }).dispose();
  bound({ x: host }).dispose();
  const reading = stored.add(1).data().catch((e) => e);
  const old = device;
  gpu.destroy();
  // What was under way either came through or says why not
  const read = await reading;
  if (read instanceof Error) assertMatch(read.message, /^The device was lost/);
  else assertEquals([...read], [3, 3, 3]);
  const lost = "The device was lost";
  await assertRejects(() => stored.data(), Error, lost);
  await assertRejects(() => stored.add(1).realize(), Error, lost);
  await assertRejects(() => host.mul(2).data(), Error, lost);
  await assertRejects(() => device.synchronize(), Error, "init() opens it anew");
  for (const step of [free, bound]) assertThrows(() => step({ x: host }), Error, lost);
  assign(host, host.add(1));
  await assertRejects(() => realize(), Error, lost);
  stored.slice([[1]]).dispose();

  device = await init();
  assert(device.stats().submits === 0 && old.stats().submits > 0, "a new device");
  assertEquals([...await host.mul(2).data()], [2, 4, 6]);
  assertEquals([...await free({ x: host }).data()], [3, 6, 9]);
  const gone = "Cannot use Tensor([3], f32, mul): it lay on a device that was lost";
  await assertRejects(() => stored.data(), TypeError, gone);
  assertThrows(() => bound({ x: host }), TypeError, gone);
  stored.dispose();
  for (const step of [free, bound]) step.dispose();
});
