import { assert, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { init, tensor } from "@dipp/tensor";
import { loadOnnx } from "./load.ts";
import { encodeModel } from "./proto/encode.ts";
import { type OnnxModelSource, type OnnxNodeSource, writeOnnx } from "./write.ts";

await init();

const x = { name: "x", type: "float32", shape: ["batch", 2] } as const;
const y = { ...x, name: "y" };
const node = (opType: string, inputs: string[], outputs: string[], domain = ""): OnnxNodeSource => ({
  ...{ opType, inputs, outputs, domain },
  name: `${opType} of the test`,
});

/** y = Relu(x) + w, or what is changed of it. */
function source(change: Partial<OnnxModelSource> = {}): OnnxModelSource {
  return {
    opset: 17,
    inputs: [x],
    outputs: [y],
    nodes: [node("Relu", ["x"], ["h"]), node("Add", ["h", "w"], ["y"])],
    initializers: { w: { type: "float32", shape: [2], data: [1, 2] } },
    ...change,
  };
}

Deno.test("a model cut anywhere is refused as truncated", async () => {
  const bytes = writeOnnx(source());
  await loadOnnx(bytes);
  for (let length = 0; length < bytes.length; length++) {
    const error = await assertRejects(() => loadOnnx(bytes.slice(0, length)), SyntaxError);
    assert(/^Cannot (read|import) the model: /.test(error.message), `${length} bytes: ${error.message}`);
  }
  await assertRejects(() => loadOnnx(bytes.slice(0, 40)), SyntaxError, "no ONNX model or is truncated, at 40 bytes");
  await assertRejects(() => loadOnnx(new TextEncoder().encode("<html>not found</html>")), SyntaxError, "no ONNX model");
});

for (
  const [what, change, Kind, message] of [
    [
      "an operator that is not known, with node and opset",
      { nodes: [node("Frobnicate", ["x"], ["y"])] },
      RangeError,
      'operator Frobnicate of node "Frobnicate of the test" (Frobnicate, opset 17) is not supported',
    ],
    [
      "an operator of a domain that is not known",
      { nodes: [node("Relu", ["x"], ["y"], "org.example")], domains: { "org.example": 3 } },
      RangeError,
      'operator Relu of node "Relu of the test" (org.example.Relu, opset 3) is not supported',
    ],
    [
      "a domain without a version",
      { nodes: [node("Relu", ["x"], ["y"], "org.example")] },
      SyntaxError,
      'node "Relu of the test" (Relu) is of domain "org.example", for which the file imports no opset',
    ],
    [
      "a graph that is cyclic",
      { nodes: [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Neg", ["b"], ["y"])] },
      SyntaxError,
      "depends on itself: the graph is cyclic",
    ],
    [
      "a value that nothing defines",
      { nodes: [node("Add", ["x", "q"], ["y"])] },
      SyntaxError,
      'node "Add of the test" (Add) reads "q", which nothing defines',
    ],
    [
      "an output that no node gives",
      { outputs: [{ ...y, name: "z" }] },
      SyntaxError,
      'output "z" is given by no node',
    ],
    [
      "a value that is defined twice",
      { nodes: [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])] },
      SyntaxError,
      'value "y" is defined twice',
    ],
    ["an opset before all others", { opset: 6 }, RangeError, "its opset is 6: expected at least 7"],
  ] as const
) {
  Deno.test(`${what} is refused by name`, async () => {
    await assertRejects(() => loadOnnx(writeOnnx(source(change))), Kind, message);
  });
}

Deno.test("inputs that are missing, too many or of another kind or shape are refused by name", async () => {
  const model = await loadOnnx(writeOnnx(source()));
  const good = tensor([[1, 2]]);
  assertThrows(() => model.run({}), RangeError, 'input "x" is missing, expected float32 [batch, 2]');
  assertThrows(() => model.run({ x: good, pixels: good }), RangeError, 'no input "pixels", expected "x"');
  assertThrows(() => model.run({ x: tensor([[1, 2, 3]]) }), RangeError, 'input "x" has shape [1, 3], expected');
  assertThrows(
    () => model.run({ x: tensor([[1, 2]], [1, 2], "i32") }),
    TypeError,
    'input "x" is i32, expected float32',
  );
});

/** The same model with w in a file, as the entries say. */
function external(entries: Readonly<Record<string, string>>, dims = [2]): Uint8Array {
  const type = { tensorType: { elemType: 1, shape: { dim: [{ dimParam: "batch" }, { dimValue: 2 }] } } };
  return encodeModel({
    irVersion: 10,
    graph: {
      node: [{ name: "sum", opType: "Add", input: ["x", "w"], output: ["y"] }],
      input: [{ name: "x", type }],
      output: [{ name: "y", type }],
      initializer: [{
        ...{ name: "w", dataType: 1, dims, dataLocation: 1 },
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      }],
    },
    opsetImport: [{ domain: "", version: 17 }],
  });
}

Deno.test("constants in other files are read; missing files, wrong ranges and paths that lead out are refused", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/model.onnx`;
    await Deno.writeFile(`${folder}/w.bin`, new Uint8Array(Float32Array.of(0, 10, 20).buffer));
    const load = async (entries: Readonly<Record<string, string>>, dims?: number[]) => {
      await Deno.writeFile(path, external(entries, dims));
      return await loadOnnx(path);
    };
    const { y } = (await load({ location: "w.bin", offset: "4", length: "8" })).run({ x: tensor([[1, 2]]) });
    assertStringIncludes(`${[...await y.data()]}`, "11,22");
    for (
      const [entries, message, dims] of [
        [{ location: "v.bin" }, 'file "v.bin" is missing: expected it beside the model'],
        [{ location: "w.bin", offset: "8" }, 'file "w.bin" has 12 bytes: expected at least 16, for 8 from 8 on'],
        [{ location: "w.bin", offset: "-4" }, "its offset is -4"],
        [{ location: "w.bin", length: "4" }, "its length 4, expected 8 bytes"],
        [{ location: "../w.bin" }, "expected a path below the model's folder"],
        [{ location: "/etc/hostname" }, "expected a path below the model's folder"],
        [{}, 'tensor "w" lies in file ""'],
        // A terabyte by its dims: refused before memory is taken
        [{ location: "w.bin" }, 'file "w.bin" has 12 bytes: expected at least 1000000000000', [500_000, 500_000]],
      ] as const
    ) await assertRejects(() => load(entries, dims && [...dims]), SyntaxError, message);
    await assertRejects(() => loadOnnx(external({ location: "w.bin" })), TypeError, "expected the model's path");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("constants of another size than their dims say are refused before memory is taken", async () => {
  for (const dims of [[3], [1e6, 1e6], [-2]]) {
    const bytes = encodeModel({
      irVersion: 10,
      graph: {
        node: [{ opType: "Identity", input: ["w"], output: ["y"] }],
        output: [{ name: "y" }],
        initializer: [{ name: "w", dataType: 1, dims, rawData: new Uint8Array(8) }],
      },
      opsetImport: [{ version: 17 }],
    });
    await assertRejects(() => loadOnnx(bytes), SyntaxError, 'tensor "w"');
  }
});
