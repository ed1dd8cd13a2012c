import { loadOnnx } from "@dipp/onnx";
import { init } from "@dipp/tensor";
import { writePng } from "@dipp/train";
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { checkModel } from "./compare.ts";
import { makeInputs, parseInput } from "./inputs.ts";
import { isAvailable } from "./oracle.ts";
import { linesOf } from "./report.ts";
import { withOutputs } from "./with_outputs.ts";

await init();
const ignore = !await isAvailable();
const MIXED = new URL("../../testdata/onnx/mixed_ops/model.onnx", import.meta.url).pathname;
const BERT = new URL("../../testdata/onnx/bert_encoder/model.onnx", import.meta.url).pathname;

Deno.test("an input is a shape or a picture, with a range", () => {
  assertEquals(parseInput("x=1x3x8x8"), ["x", { shape: [1, 3, 8, 8] }]);
  assertEquals(parseInput("ids=2,16:0..99"), ["ids", { shape: [2, 16], range: [0, 99] }]);
  assertEquals(parseInput("scale="), ["scale", { shape: [] }]);
  assertEquals(parseInput("x=a b/cat.JPG:-1..1.5"), ["x", { picture: "a b/cat.JPG", range: [-1, 1.5] }]);
  for (const text of ["x", "x=1x", "x=a", "=1", "x=1:0..", "x=cat.gif"]) {
    assertThrows(() => parseInput(text), SyntaxError, `Input "${text}" is not of the form`);
  }
});

Deno.test("inputs are the same every time, within their range, or a picture's", async () => {
  const model = {
    inputs: [
      { name: "x", type: "float32", shape: ["batch", 3, "h", 2] },
      { name: "ids", type: "int64", shape: [4] },
    ] as const,
  };
  await assertRejects(() => makeInputs(model, new Map()), RangeError, 'Input "x" has shape [batch, 3, h, 2]');
  await assertRejects(() => makeInputs(model, new Map([["y", {}]])), RangeError, 'no input "y": expected one of "x"');
  const make = () => makeInputs(model, new Map([["x", { shape: [1, 3, 1, 2] }], ["ids", { range: [5, 6] }]]));
  const [x, ids] = await make();
  assertEquals(await make(), [x, ids]);
  assert(x.data.every((v) => Math.abs(v) <= 1) && ids.data.every((v) => v === 5 || v === 6));
  assertEquals([x.shape, ids.shape], [[1, 3, 1, 2], [4]]);

  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/red.png`;
    await writePng(path, { width: 2, height: 1, rgb: Uint8Array.of(255, 0, 0, 0, 0, 0) });
    const [red] = await makeInputs(model, new Map([["x", { picture: path, range: [-1, 3] as const }]]));
    assertEquals([red.shape, [...red.data]], [[1, 3, 1, 2], [3, -1, -1, -1, -1, -1]]);
    const wrong = { inputs: [model.inputs[1]] };
    await assertRejects(() => makeInputs(wrong, new Map([["ids", { picture: path }]])), RangeError, "[1, 3, H, W]");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("outputs are appended to a file without decoding it", async () => {
  const model = await loadOnnx(withOutputs(await Deno.readFile(MIXED), ["/Sub_output_0", "/Exp_output_0"]));
  assertEquals(model.outputs.map((o) => o.name), ["y", "/Sub_output_0", "/Exp_output_0"]);
});

Deno.test({
  name: "small models agree with onnxruntime-web node by node, fused attention included",
  ignore,
  fn: async () => {
    for (const [path, fused] of [[MIXED, 0], [BERT, 2]] as const) {
      const report = await checkModel(path);
      assertEquals([report.firstDivergence, report.fusedAttentions], [undefined, fused]);
      assert(report.largest!.error < 1e-5, linesOf(report).join("\n"));
      assert(report.nodes.length > 25 && report.nodes.every((n) => n.node !== "" && n.opType !== ""));
    }
  },
});

Deno.test({
  name: "the command names the first divergence and exits with 1",
  ignore,
  fn: async () => {
    const check = async (...args: string[]) => {
      const tool = new URL("main.ts", import.meta.url).pathname;
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-read", "--allow-write", "--allow-env", "--allow-ffi", "--allow-run", tool, ...args],
      }).output();
      return { code, out: new TextDecoder().decode(stdout), said: new TextDecoder().decode(stderr) };
    };
    // Rounding alone is beyond it
    const strict = await check(MIXED, "--bound", "1e-12", "--json");
    assertEquals(strict.code, 1, strict.said);
    const { nodes, firstDivergence, largest } = JSON.parse(strict.out);
    assertEquals(firstDivergence, nodes.find((n: { error: number }) => n.error > 1e-12));
    assert(largest.error >= firstDivergence.error);
    const fine = await check(MIXED, "--input", "x=2x3x6x5:-0.5..0.5");
    assertEquals(fine.code, 0, fine.said);
    assertStringIncludes(fine.out, "agree with onnxruntime-web within 0.001");
    const wrong = await check(MIXED, "--input", "z=1");
    assertEquals(wrong.code, 1);
    assertStringIncludes(wrong.said, 'The model has no input "z": expected one of "x"');
    assertEquals((await check()).code, 2);
  },
});
