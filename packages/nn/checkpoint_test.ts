import { assertEquals, assertThrows } from "@std/assert";
import { init, scalar, tensor, zeros } from "@dipp/tensor";
import { loadParams, paramsToSafetensors, saveParams } from "./checkpoint.ts";
import { realizeParams } from "./params.ts";
import { readSafetensors } from "./safetensors.ts";
import { parseSafetensors } from "./safetensors_parse.ts";
import { serialiseSafetensors } from "./safetensors_serialise.ts";

const template = () => ({
  fc: { weight: zeros([2, 2]), bias: zeros([2]) },
  step: scalar(0, "i32"),
});

function stored(shape = [2]): Parameters<typeof loadParams>[1] {
  const size = shape.reduce((a, b) => a * b, 1);
  return parseSafetensors(serialiseSafetensors({
    "fc.weight": {
      dtype: "F16",
      shape: [2, 2],
      data: new Float32Array([1, 2, 3, 4]),
    },
    "fc.bias": { dtype: "F32", shape, data: new Float32Array(size).fill(0.1) },
    "step": { dtype: "I64", shape: [], data: new BigInt64Array([5n]) },
  })).tensors;
}

Deno.test("loadParams() converts to the template's dtypes", async () => {
  await init();
  const params = loadParams(template(), stored());
  assertEquals([...await params.fc.weight.data()], [1, 2, 3, 4]);
  assertEquals(params.step.dtype, "i32");
  assertEquals(await params.step.item(), 5);
  const half = loadParams(template(), stored(), { dtype: "bf16" });
  assertEquals(half.fc.bias.dtype, "bf16");
  assertEquals(half.step.dtype, "i32");
  assertEquals((await half.fc.bias.data())[0], 0.10009765625);
});

Deno.test("loadParams() lists what does not fit", () => {
  const tensors = stored([3]);
  tensors as Map<string, unknown>;
  const extra = new Map(tensors);
  extra.delete("fc.weight");
  extra.set("position_ids", tensors.get("step")!);
  assertThrows(
    () => loadParams(template(), extra),
    RangeError,
    "Cannot load parameters: 1 missing (fc.weight); 1 unexpected " +
      "(position_ids); 1 of another shape (fc.bias is [3], expected [2])",
  );
  // Another shape is never tolerated.
  assertThrows(
    () => loadParams(template(), extra, { strict: false }),
    RangeError,
    "Cannot load parameters: 1 of another shape",
  );
});

Deno.test("loadParams() forgives what it is told to", async () => {
  await init();
  const tensors = new Map(stored());
  tensors.set("position_ids", tensors.get("step")!);
  loadParams(template(), tensors, { ignore: /position_ids$/ });
  tensors.delete("fc.bias");
  const params = loadParams(template(), tensors, { strict: false });
  assertEquals([...await params.fc.bias.data()], [0, 0]);
  const prefixed = new Map([...stored()].map(([k, v]) => [`unet.${k}`, v]));
  prefixed.set("vae.weight", tensors.get("fc.weight")!);
  const inner = loadParams(template(), prefixed, { prefix: "unet." });
  assertEquals(await inner.step.item(), 5);
});

Deno.test("saveParams() keeps every bit of every dtype", async () => {
  await init();
  const params = await realizeParams({
    list: [tensor([0.1, -0, 1e-41]), tensor([0.1], [1], "f16")],
    bf16: tensor([0.1], [1], "bf16"),
    i32: tensor(new Int32Array([-7])),
    u32: tensor(new Uint32Array([4_000_000_000])),
    bool: tensor(new Uint8Array([1, 0])),
  });
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  await saveParams(path, params, { step: "3" });
  const { tensors, metadata } = await readSafetensors(path);
  assertEquals(metadata, { step: "3" });
  assertEquals(
    [...tensors].map(([name, t]) => `${name} ${t.dtype} ${t.shape}`).sort(),
    [
      "bf16 BF16 1",
      "bool BOOL 2",
      "i32 I32 1",
      "list.0 F32 3",
      "list.1 F16 1",
      "u32 U32 1",
    ],
  );
  const loaded = loadParams(params, tensors);
  assertEquals(
    await paramsToSafetensors(loaded),
    await paramsToSafetensors(params),
  );
  const zero = await loaded.list[0].data();
  assertEquals(Object.is(zero[1], -0), true);

  await saveParams(path, params, {}, { dtype: "BF16" });
  const narrow = (await readSafetensors(path)).tensors;
  assertEquals(narrow.get("list.0")!.dtype, "BF16");
  assertEquals(narrow.get("i32")!.dtype, "I32");
  await Deno.remove(path);
});
