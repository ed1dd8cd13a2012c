import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { init, key, randn, type Tensor, tensor, zeros } from "@dipp/tensor";
import { buffersLeft } from "@dipp/tensor/testing_device";
import { memoryBytes } from "./byte_source.ts";
import { loadCheckpoint } from "./load_checkpoint.ts";
import { openTensors } from "./open_tensors.ts";
import { flattenParams } from "./params.ts";
import { openSafetensors } from "./safetensors_open.ts";
import { serialiseSafetensors } from "./safetensors_serialise.ts";
import { saveCheckpoint } from "./save_checkpoint.ts";
import { rowsOf } from "./stored_tensor.ts";

const file = (tensors: Parameters<typeof serialiseSafetensors>[0]) =>
  openSafetensors(memoryBytes(serialiseSafetensors(tensors), "a.safetensors"));

const f32 = (
  shape: number[],
  ...values: number[]
) => ({ dtype: "F32", shape, data: Float32Array.from(values) } as const);

Deno.test("loadCheckpoint() keeps the bits of 16-bit floats and converts between all types", async () => {
  // 0x0001 is the smallest subnormal, 0x7f80 infinity of bf16, 0x7fc1 a NaN with a payload
  const bits = { dtype: "BF16", shape: [3], data: Uint16Array.of(0x0001, 0x7f80, 0x3f81) } as const;
  const half = { dtype: "F16", shape: [3], data: Uint16Array.of(0x0001, 0xfc00, 0x3c01) } as const;
  const step = { dtype: "I64", shape: [], data: BigInt64Array.of(-3n) } as const;
  using source = await file({ bits, half, step });
  const template = { bits: zeros([3], "bf16"), half: zeros([3], "f16"), step: zeros([], "i32") };
  const same = (await loadCheckpoint(template, source.tensors)).params;
  assertEquals([...await same.bits.data()], [2 ** -133, Infinity, 1.0078125]);
  assertEquals([...await same.half.data()], [2 ** -24, -Infinity, 1 + 2 ** -10]);
  assertEquals(await same.step.item(), -3);
  const wide = (await loadCheckpoint(template, source.tensors, { dtype: "f32" })).params;
  assertEquals([wide.bits.dtype, wide.half.dtype, wide.step.dtype], ["f32", "f32", "i32"]);
  assertEquals(await wide.bits.data(), await same.bits.data());
  const swapped = (await loadCheckpoint({ half: zeros([3]) }, source.tensors, { dtype: "bf16", allow: ["unexpected"] }))
    .params;
  assertEquals([...await swapped.half.data()], [2 ** -24, -Infinity, 1]);
});

Deno.test("loadCheckpoint() refuses to make infinities of large numbers", async () => {
  using source = await file({ w: f32([2], 1, 65520) });
  const message = 'Cannot load "w" as f16: it holds 65520, and f16 ends at 65504; bf16 does not';
  await assertRejects(() => loadCheckpoint({ w: zeros([2]) }, source.tensors, { dtype: "f16" }), RangeError, message);
});

Deno.test("loadCheckpoint() reports what does not fit before it reads or allocates anything", async () => {
  await init();
  using source = await file({
    "unet.a": f32([2], 1, 2),
    "unet.b": f32([1], 3),
    "unet.position_ids": f32([1], 0),
    x: f32([], 0),
  });
  const template = { a: zeros([2]), b: zeros([2]), c: zeros([1]) };
  const options = { prefix: "unet.", ignore: /position_ids$/ };
  const unread = new Map([...source.tensors].map(([name, stored]) => [name, {
    ...stored,
    read: () => Promise.reject(new Error("read")),
  }]));
  const left = await buffersLeft(() =>
    assertRejects(
      () => loadCheckpoint(template, unread, options).then(() => {}),
      RangeError,
      "Cannot load parameters: 1 missing (c); 1 of another shape (b is [1], expected [2])",
    ).then(() => {})
  );
  assertEquals(left, 0);
  const { params, report } = await loadCheckpoint(template, source.tensors, {
    ...options,
    allow: ["missing", "misshapen"],
  });
  assertEquals(report, { missing: ["c"], unexpected: [], misshapen: [{ name: "b", found: [1], expected: [2] }] });
  assertEquals([...await params.a.data()], [1, 2]);
  assertStrictEquals<Tensor>(params.b, template.b);
  await assertRejects(
    () => loadCheckpoint({ a: zeros([2]) }, source.tensors, { ...options, allow: ["missing"] }),
    RangeError,
    "1 unexpected (unet.b)",
  );
});

Deno.test("a part of several tensors that are stored as one is read alone", async () => {
  using source = await file({ qkv: f32([3, 2], 1, 2, 3, 4, 5, 6) });
  const qkv = source.tensors.get("qkv")!;
  const split = new Map(["q", "k", "v"].map((name, i) => [name, rowsOf(qkv, i, i + 1)]));
  const { params } = await loadCheckpoint({ q: zeros([1, 2]), k: zeros([1, 2]), v: zeros([1, 2]) }, split);
  assertEquals([...await params.k.data()], [3, 4]);
  assertEquals([...(await split.get("v")!.read(1, 2)).toFloat32()], [6]);
});

Deno.test("what saveCheckpoint() writes in parts comes back bit for bit", async () => {
  const folder = await Deno.makeTempDir();
  const params = {
    blocks: [0, 1, 2].map((i) => ({ weight: randn(key(i), [5, 3]), bias: randn(key(9 + i), [3]).cast("bf16") })),
    half: randn(key(20), [7]).cast("f16"),
    count: tensor(Int32Array.of(-4)),
  };
  for (const maxShardBytes of [1, 70, 1e6]) {
    const path = `${folder}/model.safetensors`;
    const files = await saveCheckpoint(path, params, { maxShardBytes });
    assertEquals(files.length, { 1: 9, 70: 5, 1e6: 1 }[maxShardBytes]);
    using source = await openTensors(files.at(-1)!);
    const { params: loaded } = await loadCheckpoint(params, source.tensors);
    for (const [name, leaf] of flattenParams(params)) {
      const back = flattenParams(loaded).get(name)!;
      assertEquals(back.dtype, leaf.dtype);
      assertEquals(await back.data(), await leaf.data());
    }
    for (const written of files) await Deno.remove(written);
  }
  assertEquals([...Deno.readDirSync(folder)], []);
  await assertRejects(() => saveCheckpoint(`${folder}/model.bin`, params), TypeError, "expected an ending of");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an index that does not fit its files is refused", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/model.safetensors.index.json`;
  await Deno.writeFile(`${folder}/a.safetensors`, serialiseSafetensors({ x: f32([1], 1) }));
  await Deno.writeFile(`${folder}/b.safetensors`, serialiseSafetensors({ x: f32([1], 1), y: f32([1], 1) }));
  for (
    const [weight_map, error, message] of [
      [{ x: "../a.safetensors" }, TypeError, '"x" is in "../a.safetensors", expected a file beside it'],
      [{ x: 3 }, TypeError, '"x" is in 3'],
      [{}, TypeError, "weight_map is no object of names and files"],
      [{ x: "c.safetensors" }, TypeError, "c.safetensors: there is no such file"],
      [{ x: "a.safetensors", y: "a.safetensors" }, RangeError, '"y" is in a.safetensors, which does not hold it'],
      [{ x: "a.safetensors", y: "b.safetensors" }, RangeError, 'two of its files hold "x"'],
    ] as const
  ) {
    await Deno.writeTextFile(path, JSON.stringify({ weight_map }));
    await assertRejects(() => openTensors(path), error, message);
  }
  await Deno.writeTextFile(path, "{");
  await assertRejects(() => openTensors(path), TypeError, "not valid JSON");
  await assertRejects(
    () => openTensors(`${folder}/model.onnx`),
    TypeError,
    "expected a name that ends in .safetensors",
  );
  await assertRejects(() => openTensors(`${folder}/none.safetensors`), TypeError, "there is no such file");
  await Deno.mkdir(`${folder}/d.safetensors`);
  await assertRejects(() => openTensors(`${folder}/d.safetensors`), TypeError, "it is a directory or a device");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a file that shrinks while it is read is seen", async () => {
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  await Deno.writeFile(path, serialiseSafetensors({ x: f32([2], 1, 2) }));
  using source = await openTensors(path);
  await Deno.truncate(path, 20);
  await assertRejects(() => source.tensors.get("x")!.read(), RangeError, "while read");
  await Deno.remove(path);
});
