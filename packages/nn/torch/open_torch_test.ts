import { assertEquals, assertRejects } from "@std/assert";
import { memoryBytes } from "../byte_source.ts";
import { p, type Part, pickle, torchFile, zip } from "../testing/torch_file.ts";
import { openTorch, type OpenTorchOptions } from "./open_torch.ts";

const saved = (name: string) => new URL(`../../../testdata/torch/${name}`, import.meta.url).pathname;
const open = (bytes: Uint8Array<ArrayBuffer>, options?: OpenTorchOptions) =>
  openTorch(memoryBytes(bytes, "a.pth"), options);
const state = (items: Readonly<Record<string, Part[]>>) => p.dict(items);

Deno.test("openTorch() reads what torch.save wrote: every dtype, strides, offsets, shared storages", async () => {
  using file = await openTorch(saved("dtypes.bin"));
  const read: Record<string, [string, string, number[]]> = {};
  for (const [name, tensor] of file.tensors) {
    const values = [...(await tensor.read()).toFloat32()];
    assertEquals(values.length, tensor.size);
    read[name] = [tensor.dtype, tensor.shape.join("x"), values];
  }
  const range = Array.from({ length: 24 }, (_, i) => i);
  const four = [0, 1, 2, 127];
  assertEquals(read, {
    f32: ["F32", "4x6", range],
    transposed: ["F32", "6x4", range.map((_, i) => i % 4 * 6 + Math.floor(i / 4))],
    slice: ["F32", "2x3", [6, 8, 10, 12, 14, 16]],
    shared: ["F32", "6", [0, 1, 2, 3, 4, 5]],
    f16: ["F16", "4", four],
    bf16: ["BF16", "4", four],
    f64: ["F64", "4", four],
    i64: ["I64", "4", four],
    i32: ["I32", "4", four],
    i16: ["I16", "4", four],
    i8: ["I8", "4", four],
    u8: ["U8", "4", four],
    bool: ["BOOL", "2", [1, 0]],
    scalar: ["F32", "", [2.5]],
    empty: ["F32", "0x3", []],
    param: ["F32", "1x1", [1.5]],
  });
  const transposed = file.tensors.get("transposed")!;
  assertEquals([...(await transposed.read(4, 7)).toFloat32()], [1, 7, 13]);
  assertEquals([...(await transposed.read(22, 24)).toFloat32()], [17, 23]);
});

Deno.test("openTorch() finds the parameters under state_dict, or where it is told", async () => {
  using file = await openTorch(saved("nested.pth"));
  assertEquals([...file.tensors.keys()].slice(0, 2), ["0.weight", "0.bias"]);
  assertEquals(file.tensors.get("1.num_batches_tracked")!.dtype, "I64");
  const bytes = torchFile(state({ model: state({ w: p.tensor("0", 2, [2], [1]) }), step: p.int(7) }), { 0: [3, 4] });
  using told = await open(bytes, { entry: "model" });
  assertEquals([...(await told.tensors.get("w")!.read()).toFloat32()], [3, 4]);
  await assertRejects(() => open(bytes), TypeError, "Cannot read a.pth: it holds no dict of tensors, only model, step");
  await assertRejects(() => open(bytes, { entry: "ema" }), TypeError, 'entry "ema" is no dict of tensors; there are');
});

Deno.test("openTorch() reads archives with 64-bit sizes", async () => {
  using file = await open(torchFile(state({ w: p.tensor("0", 2, [2], [1]) }), { 0: [3, 4] }, { zip64: true }));
  assertEquals([...(await file.tensors.get("w")!.read()).toFloat32()], [3, 4]);
});

Deno.test("openTorch() runs nothing and names what it refuses", async () => {
  await assertRejects(() => openTorch(saved("evil.bin")), TypeError, 'evil.bin: its pickle names "posix.system"');
  const tensor = p.tensor("0", 2, [2], [1]);
  const cases: [Part[], typeof TypeError, string][] = [
    [[...p.global("builtins", "eval"), ...p.tuple(p.text("1")), "R"], TypeError, '"builtins.eval"'],
    [[...p.text("os"), ...p.text("system"), "\x93"], TypeError, '"os.system"'],
    [["(icos\nsystem\n"], TypeError, "opcode INST"],
    [[...p.global("torch", "FloatStorage"), ")R"], TypeError, "calls torch.FloatStorage"],
    [[...p.global("torch", "FloatStorage"), ")\x81"], TypeError, "opcode NEWOBJ"],
    [["\x82\x01"], TypeError, "opcode EXT1"],
    [["\xff"], TypeError, "opcode 255"],
    [["]", ")b"], TypeError, "sets attributes of what is no dict"],
    [["0"], TypeError, "opcode POP"],
    [["R"], TypeError, "takes a value that is not there"],
    [["h\x05"], TypeError, "takes value 5, which it did not keep"],
    [["X", new Uint8Array([255, 255, 255, 255])], RangeError, "truncated"],
    [["\x8a\xff"], RangeError, "truncated"],
    [["\x8a\x09", new Uint8Array(9).fill(0x7f)], RangeError, "holds the integer"],
    [[...p.tuple(p.text("module"), p.text("x")), "Q"], TypeError, "persistent id that is no storage"],
    [state({ w: p.tensor("0", 2, [2], [1], 0, "ComplexFloatStorage") }), TypeError, '"torch.ComplexFloatStorage"'],
    [state({ w: p.tensor("0", 2, [3], [1]) }), RangeError, "[3], strides [1] and offset 0 is not within its storage"],
    [state({ w: p.tensor("0", 2, [2], [1], 1) }), RangeError, "is not within its storage of 2 elements"],
    [state({ w: p.tensor("0", 2, [2], [2 ** 30]) }), RangeError, "is not within its storage"],
    [state({ w: p.tensor("0", 2, [2 ** 30, 2 ** 30], [0, 0]) }), RangeError, "is not within its storage"],
    [state({ w: p.tensor("0", 2, [-1], [1]) }), TypeError, "other arguments"],
    [state({ w: p.tensor("0", 3, [3], [1]) }), RangeError, "a storage of 12 bytes, but data/0 has 8"],
    [state({ w: p.tensor("9", 2, [2], [1]) }), RangeError, "data/9 is not there"],
    [["(", "]", "K\x01", "u"], TypeError, "sets items of what is no dict"],
    [tensor, TypeError, "it holds no dict of tensors"],
  ];
  for (const [parts, error, message] of cases) {
    await assertRejects(() => open(torchFile(parts, { 0: [3, 4] })), error, message);
  }
});

Deno.test("openTorch() refuses archives that are none, truncated, compressed, encrypted or of an old format", async () => {
  const good = torchFile(state({ w: p.tensor("0", 2, [2], [1]) }), { 0: [3, 4] });
  (await open(good))[Symbol.dispose]();
  for (let length = 0; length < good.length; length++) {
    await assertRejects(() => open(good.slice(0, length)), Error, "Cannot read a.pth: ");
  }
  const other = (options: Parameters<typeof zip>[1]) => torchFile(state({}), {}, options);
  await assertRejects(() => open(other({ method: 8 })), TypeError, '"archive/byteorder" is compressed with method 8');
  await assertRejects(() => open(other({ flags: 1 })), TypeError, '"archive/byteorder" is encrypted');
  await assertRejects(() => open(pickle("}")), TypeError, "a bare pickle, as PyTorch wrote before version 1.6");
  await assertRejects(() => open(zip([["a", new Uint8Array(1)]])), TypeError, "0 entries data.pkl, expected one");
  const twice = zip([["x/data.pkl", pickle("}")], ["y/data.pkl", pickle("}")]]);
  await assertRejects(() => open(twice), TypeError, "2 entries data.pkl, expected one");
  const script = zip([["x/data.pkl", pickle("}")], ["x/constants.pkl", pickle("}")]]);
  await assertRejects(() => open(script), TypeError, "it is a TorchScript program");
  const big = new TextEncoder().encode("big");
  await assertRejects(
    () => open(zip([["x/data.pkl", pickle("}")], ["x/byteorder", big]])),
    TypeError,
    'its byte order is "big", expected "little"',
  );
});
