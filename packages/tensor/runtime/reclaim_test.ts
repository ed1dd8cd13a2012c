import { assert, assertEquals } from "@std/assert";
import { compile, init, ones, scalar, type Tensor } from "../mod.ts";
import { guardDevice } from "../testing_device.ts";

const device = await init();
guardDevice();

const MIB = 2 ** 20;

/** Makes and drops what holds memory: tensors, outputs of steps, and a step with its plan. */
async function litter(): Promise<void> {
  const step = compile(({ x }: { x: Tensor }) => x.expand([64, 64]).exp().matmul(ones([64, 64])));
  for (let i = 0; i < 20; i++) {
    step({ x: scalar(i).reshape([]) });
    await ones([100]).mul(scalar(i)).realize();
  }
}

Deno.test("collect() frees what was dropped: tensors, outputs of compiled steps, and the steps themselves", async () => {
  await device.collect();
  const before = device.stats();
  await litter();
  assert(device.stats().liveBuffers > before.liveBuffers + 20);
  await device.collect();
  const { liveBuffers, tensors, tensorBytes, liveBytes } = device.stats();
  assertEquals(
    { liveBuffers, tensors, tensorBytes, liveBytes },
    {
      liveBuffers: before.liveBuffers,
      tensors: before.tensors,
      tensorBytes: before.tensorBytes,
      liveBytes: before.liveBytes,
    },
  );
});

Deno.test("tensors that are dropped one after another are reclaimed before they fill the memory", async () => {
  const kept = await ones([2 ** 20]).mul(scalar(2)).realize();
  // 2 GiB in all, and few objects for the collector to see
  for (let i = 0; i < 128; i++) await kept.expand([4, 2 ** 20]).mul(scalar(i)).realize();
  assert(device.stats().peakBytes < 700 * MIB, `${device.stats().peakBytes / MIB} MiB at once`);
  assertEquals((await kept.data())[5], 2);
  kept.dispose();
});

Deno.test("a captured tensor lives as long as the step that reads it, even where nobody else holds it", async () => {
  const make = async () => {
    const hidden = await ones([3]).mul(scalar(7)).realize();
    return compile(({ x }: { x: Tensor }) => x.mul(hidden));
  };
  const step = await make();
  using first = step({ x: scalar(1) });
  await device.collect();
  assertEquals([...await first.data()], [7, 7, 7]);
  using second = step({ x: scalar(2) });
  assertEquals([...await second.data()], [14, 14, 14]);
});
