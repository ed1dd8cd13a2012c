import { assert, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import type { SafetensorsInput } from "./safetensors_entry.ts";
import { parseSafetensors } from "./safetensors_parse.ts";
import { serialiseSafetensors } from "./safetensors_serialise.ts";

/** A file with the given header text and data. */
function file(header: unknown, data = 0): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const out = new Uint8Array(8 + text.length + data);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  return out;
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

Deno.test("every dtype survives serialise and parse", () => {
  const tensors = {
    f64: { dtype: "F64", shape: [2], data: new Float64Array([0.1, -2]) },
    f32: { dtype: "F32", shape: [2, 1], data: new Float32Array([0.1, -2]) },
    f16: { dtype: "F16", shape: [2], data: new Uint16Array([0x3c00, 0xc000]) },
    bf16: { dtype: "BF16", shape: [1], data: new Uint16Array([0x3f80]) },
    i64: { dtype: "I64", shape: [1], data: new BigInt64Array([-5n]) },
    u64: { dtype: "U64", shape: [1], data: new BigUint64Array([2n ** 63n]) },
    i32: { dtype: "I32", shape: [], data: new Int32Array([-7]) },
    u32: { dtype: "U32", shape: [1], data: new Uint32Array([4e9]) },
    i16: { dtype: "I16", shape: [1], data: new Int16Array([-8]) },
    u16: { dtype: "U16", shape: [1], data: new Uint16Array([65535]) },
    i8: { dtype: "I8", shape: [3], data: new Int8Array([-1, 0, 1]) },
    u8: { dtype: "U8", shape: [1], data: new Uint8Array([255]) },
    bool: { dtype: "BOOL", shape: [2], data: new Uint8Array([0, 1]) },
    empty: { dtype: "F32", shape: [0, 3], data: new Float32Array(0) },
  } as const;
  const bytes = serialiseSafetensors(tensors, { b: "2", a: "ä" });
  const parsed = parseSafetensors(bytes);
  assertEquals(parsed.metadata, { a: "ä", b: "2" });
  assertEquals(parsed.tensors.size, Object.keys(tensors).length);
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const entry = parsed.tensors.get(name)!;
    assertEquals(entry.dtype, dtype);
    assertEquals(entry.shape, [...shape]);
    assertEquals<unknown>(entry.data, data);
  }
  assertEquals(
    parsed.tensors.get("f16")!.toFloat32(),
    new Float32Array([1, -2]),
  );
  assertEquals(parsed.tensors.get("bf16")!.toFloat32(), new Float32Array([1]));
  assertEquals(parsed.tensors.get("i64")!.toFloat32(), new Float32Array([-5]));
  assertEquals(
    parsed.tensors.get("f64")!.toFloat32(),
    new Float32Array([0.1, -2]),
  );
  // The header is padded, so that every tensor is aligned to its type.
  assertEquals((new DataView(bytes.buffer).getUint32(0, true)) % 8, 0);
});

Deno.test("the bytes depend on the tensors alone, not on their order", () => {
  const a = { dtype: "F32", shape: [1], data: new Float32Array([1]) } as const;
  const b = { dtype: "U8", shape: [1], data: new Uint8Array([1]) } as const;
  assertEquals(
    serialiseSafetensors({ a, b }, { x: "1", y: "2" }),
    serialiseSafetensors(
      new Map<string, SafetensorsInput>([["b", b], ["a", a]]),
      { y: "2", x: "1" },
    ),
  );
});

Deno.test("the dtype option narrows and widens floats only", () => {
  const tensors = {
    a: { dtype: "F32", shape: [1], data: new Float32Array([1 + 2 ** -9]) },
    b: { dtype: "F16", shape: [1], data: new Uint16Array([0x3c00]) },
    i: { dtype: "I32", shape: [1], data: new Int32Array([3]) },
  } as const;
  const narrow = parseSafetensors(
    serialiseSafetensors(tensors, {}, { dtype: "BF16" }),
  ).tensors;
  assertEquals(narrow.get("a")!.dtype, "BF16");
  assertEquals(narrow.get("a")!.toFloat32(), new Float32Array([1]));
  assertEquals(narrow.get("b")!.toFloat32(), new Float32Array([1]));
  assertEquals(narrow.get("i")!.dtype, "I32");
  const wide = parseSafetensors(
    serialiseSafetensors(tensors, {}, { dtype: "F32" }),
  ).tensors;
  assertEquals<unknown>(wide.get("b")!.data, new Float32Array([1]));
});

Deno.test("tensors at odd offsets are read", () => {
  const bytes = file({
    a: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
    b: f32([1], 1, 5),
  }, 5);
  new DataView(bytes.buffer).setFloat32(bytes.length - 4, 1.5, true);
  const { tensors } = parseSafetensors(bytes);
  assertEquals<unknown>(tensors.get("b")!.data, new Float32Array([1.5]));
});

Deno.test("malformed files are refused with the reason", () => {
  const cases: [Uint8Array<ArrayBuffer>, typeof RangeError, string][] = [
    [new Uint8Array(7), RangeError, "7 bytes are too few"],
    [
      new Uint8Array([99, 0, 0, 0, 0, 0, 0, 0, 0]),
      RangeError,
      "claims 99 bytes, expected at most 1",
    ],
    [new Uint8Array(16).fill(255), RangeError, "the header claims"],
    [file("{"), TypeError, "not valid JSON"],
    [file('"\xff'), TypeError, "not valid JSON"],
    [file("[]"), TypeError, "not a JSON object"],
    [file({ a: 1 }), TypeError, 'tensor "a" is not an object'],
    [
      file({ a: { dtype: "F8", shape: [], data_offsets: [0, 1] } }, 1),
      TypeError,
      'dtype "F8", expected one of F64, F32',
    ],
    [file({ a: f32([-1], 0, 4) }, 4), TypeError, "shape [-1]"],
    [file({ a: f32(new Array(65).fill(1), 0, 4) }, 4), TypeError, "at most 64 non-negative integers"],
    [file({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), RangeError, "spans 4 bytes, but F32 [1099511627776"],
    [file({ a: f32([1], 4, 0) }, 4), TypeError, "data_offsets [4,0]"],
    [file({ a: f32([1], 0, 4.5) }, 4), TypeError, "data_offsets [0,4.5]"],
    [file({ a: f32([2], 0, 4) }, 4), RangeError, "F32 [2] takes 8"],
    [file({ a: f32([2], 0, 8) }, 7), RangeError, "the file is truncated"],
    [
      file({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8),
      RangeError,
      "tensors overlap",
    ],
    [
      file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12),
      RangeError,
      "leave a gap",
    ],
    [file({ a: f32([1], 0, 4) }, 6), RangeError, "2 bytes follow"],
    [file({ __metadata__: { a: 1 } }), TypeError, 'metadata "a" is 1'],
    [file({ __metadata__: [] }), TypeError, "__metadata__ is not an object"],
  ];
  for (const [bytes, type, message] of cases) {
    assertThrows(() => parseSafetensors(bytes, "x.safetensors"), type, message);
  }
  assertThrows(
    () => parseSafetensors(new Uint8Array(3), "x.safetensors"),
    RangeError,
    "Cannot read x.safetensors",
  );
});

Deno.test("what cannot be written is refused", () => {
  assertThrows(
    () =>
      serialiseSafetensors({
        a: { dtype: "F32", shape: [3], data: new Float32Array(2) },
      }),
    RangeError,
    'tensor "a": it has 2 elements, but its shape [3] takes 3',
  );
  assertThrows(
    () =>
      serialiseSafetensors({
        a: { dtype: "I32", shape: [2], data: new Float32Array(2) },
      }),
    TypeError,
    "as I32 from a Float32Array, expected a Int32Array",
  );
  assertThrows(
    () =>
      serialiseSafetensors({
        __metadata__: { dtype: "F32", shape: [0], data: new Float32Array(0) },
      }),
    TypeError,
    "reserved",
  );
});

Deno.test("files survive the round trip and a flipped byte is seen", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/a.safetensors`;
  const data = new Float32Array([1, 2, 3, 4]);
  const w: SafetensorsInput = { dtype: "F32", shape: [4], data };
  await writeSafetensors(path, { w }, { step: "12" });
  const { tensors, metadata } = await readSafetensors(path);
  assertEquals(metadata, { step: "12" });
  assertEquals<unknown>(tensors.get("w")!.data, w.data);

  const bytes = await Deno.readFile(path);
  // Without the name of the checksum there is nothing to be verified.
  const key = new TextDecoder().decode(bytes).indexOf("dipp.sha256");
  for (let i = 0; i < bytes.length; i++) {
    await assertRejects(() => readSafetensors(bytes.slice(0, i)));
    if (i >= key && i < key + "dipp.sha256".length) continue;
    const bad = bytes.slice();
    bad[i] ^= 1;
    await assertRejects(() => readSafetensors(bad));
  }
  // A second write replaces the file and leaves nothing beside it.
  await writeSafetensors(path, { w }, {}, { checksum: false });
  assertEquals((await readSafetensors(path)).metadata, {});
  assertGreater(bytes.length, (await Deno.stat(path)).size);
  assertEquals([...Deno.readDirSync(directory)].map((e) => e.name), [
    "a.safetensors",
  ]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a failed write leaves the old file and no temporary one", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/taken`);
  const w = { dtype: "F32", shape: [1], data: new Float32Array(1) } as const;
  await assertRejects(() => writeSafetensors(`${directory}/taken`, { w }));
  await assertRejects(() => writeSafetensors(`${directory}/no/a`, { w }));
  const names = [...Deno.readDirSync(directory)].map((e) => e.name);
  assertEquals(names, ["taken"]);
  assert((await Deno.stat(`${directory}/taken`)).isDirectory);
  await Deno.remove(directory, { recursive: true });
});
