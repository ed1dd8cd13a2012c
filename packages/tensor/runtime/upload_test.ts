import { assertEquals, assertRejects } from "@std/assert";
import { type DeviceWords, type Tensor, upload } from "../mod.ts";
import { buffersLeft, guardDevice } from "../testing_device.ts";

guardDevice();

Deno.test("upload() keeps the bits of every dtype, whatever the pieces", async () => {
  async function* pieces<T>(...parts: T[]): AsyncGenerator<T> {
    for (const part of parts) yield await Promise.resolve(part);
  }
  const read = async (t: Promise<Tensor>) => [...await (await t).data()];
  assertEquals(await read(upload([2, 2], "f32", pieces(Float32Array.of(1, -0), Float32Array.of(3e-39, 4)))), [
    1,
    -0,
    Math.fround(3e-39),
    4,
  ]);
  assertEquals(await read(upload([3], "f16", pieces(Uint16Array.of(0x3c00, 0x0001), Uint16Array.of(0xc000)))), [
    1,
    2 ** -24,
    -2,
  ]);
  assertEquals(await read(upload([1], "bf16", [Uint16Array.of(0x4040)])), [3]);
  assertEquals(await read(upload([2], "i32", [Int32Array.of(-7), Int32Array.of(8)])), [-7, 8]);
  assertEquals(await read(upload([2], "bool", [Uint32Array.of(0, 1)])), [0, 1]);
  assertEquals(await read(upload([0, 3], "f32", [])), []);
  assertEquals(await read(upload([], "u32", [Uint32Array.of(5)])), [5]);
});

Deno.test("upload() refuses pieces that do not fit and keeps no memory", async () => {
  const cases: [typeof RangeError, string, Parameters<typeof upload>[1], DeviceWords[]][] = [
    [RangeError, "from 1 elements: expected 2", "f32", [Float32Array.of(1)]],
    [RangeError, "from 3 elements: expected 2", "f32", [Float32Array.of(1, 2, 3)]],
    [TypeError, "bf16 [2] from a Float32Array: expected a Uint16Array", "bf16", [Float32Array.of(1, 2)]],
    [RangeError, "with 1 elements from element 0 on", "f16", [Uint16Array.of(1), Uint16Array.of(1)]],
  ];
  const left = await buffersLeft(async () => {
    for (const [error, message, dtype, pieces] of cases) {
      await assertRejects(() => upload([2], dtype, pieces), error, message);
    }
  });
  assertEquals(left, 0);
});
