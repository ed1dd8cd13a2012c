import { assertEquals, assertThrows } from "@std/assert";
import { loadOnnx, type OnnxGraphSource, type OnnxModel, type OnnxValueInfo, writeOnnx } from "@dipp/onnx";
import { grad, init, key, type Tensor, tensor, uniform } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { onnxReward, type OnnxRewardOptions, preprocess } from "./mod.ts";

await init();

const pixels: OnnxValueInfo = { name: "pixels", type: "float32", shape: ["batch", 3, 4, 4] };
const ids: OnnxValueInfo = { name: "ids", type: "int64", shape: ["batch", 3] };
const mask: OnnxValueInfo = { name: "mask", type: "float32", shape: ["batch", 3] };
const load = (graph: Partial<OnnxGraphSource>) =>
  loadOnnx(writeOnnx({
    opset: 17,
    inputs: [pixels],
    outputs: [{ name: "means", type: "float32", shape: ["batch", 3] }],
    nodes: [
      { opType: "GlobalAveragePool", inputs: ["pixels"], outputs: ["pooled"] },
      { opType: "Flatten", inputs: ["pooled"], outputs: ["means"] },
    ],
    ...graph,
  }));
const images = await uniform(key(0), [4, 3, 4, 4]).realize();
const prompts = { ids: tensor([[5, 0], [1, 2], [0, 0], [3, 3]], [4, 2], "i32") };
const values = async (t: Tensor) => [...await t.data()];

Deno.test("a column of the output is the score, and its gradient is that of the graph", async () => {
  const scores = onnxReward(await load({}), { index: 1 }).score(images, prompts);
  assertClose(await values(scores), await values(images.select(1, 1).mean([1, 2])), 1e-6, "scores");
  const [gradient] = grad(scores.sum(), [images]);
  assertEquals(new Set(await values(gradient)), new Set([0, 1 / 16]));
});

Deno.test("a model of a fixed batch, channels last, is run for each part of the images", async () => {
  const model = await load({
    inputs: [{ ...pixels, shape: [2, 4, 4, 3] }],
    outputs: [{ name: "score", type: "float32", shape: [2, 1] }],
    nodes: [
      { opType: "ReduceMax", inputs: ["pixels"], outputs: ["max"], attributes: { axes: { ints: [1, 2] } } },
      { opType: "Reshape", inputs: ["max", "flat"], outputs: ["rows"] },
      { opType: "Gemm", inputs: ["rows", "weight"], outputs: ["score"] },
    ],
    initializers: {
      flat: { type: "int64", shape: [2], data: [2, 3] },
      weight: { type: "float32", shape: [3, 1], data: [1, 10, 100] },
    },
  });
  const reward = onnxReward(model, { layout: "nhwc" });
  const expected = images.max([2, 3]).mul(tensor([1, 10, 100])).sum(1);
  assertClose(await values(reward.score(images, prompts)), await values(expected), 1e-6, "scores");
  assertThrows(
    () => reward.score(images.slice([[0, 3]]), prompts),
    RangeError,
    "there are 3 images, expected a multiple of 2",
  );
});

Deno.test("prompts are padded to the model's length, and the mask says where words are", async () => {
  const model = await load({
    inputs: [pixels, ids, mask],
    outputs: [{ name: "score", type: "float32", shape: ["batch"] }],
    nodes: [
      {
        opType: "ReduceMean",
        inputs: ["pixels"],
        outputs: ["mean"],
        attributes: { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } },
      },
      { opType: "Cast", inputs: ["ids"], outputs: ["real"], attributes: { to: { int: 1 } } },
      { opType: "Mul", inputs: ["real", "mask"], outputs: ["known"] },
      { opType: "ReduceSum", inputs: ["known", "axis"], outputs: ["words"], attributes: { keepdims: { int: 0 } } },
      { opType: "Add", inputs: ["mean", "words"], outputs: ["score"] },
    ],
    initializers: { axis: { type: "int64", shape: [1], data: [1] } },
  });
  const means = images.mean([1, 2, 3]);
  const own = onnxReward(model, { prompt: { input: "ids", mask: "mask" } });
  assertClose(await values(own.score(images, prompts)), await values(means.add(tensor([5, 3, 0, 6]))), 1e-6, "own ids");
  // Ids of another tokenizer, which pads with something else than 0
  const tokens = {
    clip: tensor([[7, 9], [8, 9], [9, 9], [6, 5]], [4, 2], "i32"),
    clip_mask: tensor([[1, 0], [1, 1], [0, 0], [1, 1]], [4, 2], "i32"),
  };
  const clip = onnxReward(model, { prompt: { input: "ids", tokens: "clip", mask: "mask" } });
  const scores = clip.score(images, { ...prompts, tokens });
  assertClose(await values(scores), await values(means.add(tensor([7, 17, 0, 11]))), 1e-6, "other ids");
  assertThrows(() => clip.score(images, prompts), TypeError, 'needs prompts.tokens["clip"], which are missing');
});

Deno.test("images of another size come in by the differentiable preprocessing", async () => {
  const way = preprocess({ size: 4, mean: [0, 0, 0], std: [1, 1, 1] });
  const reward = onnxReward(await load({}), { index: 0, preprocess: way });
  const large = await uniform(key(1), [2, 3, 8, 8]).realize();
  const expected = way.differentiable(large).select(1, 0).mean([1, 2]);
  assertClose(await values(reward.score(large, prompts)), await values(expected), 1e-6, "scores");
  assertEquals(reward.description?.options.size, 4);
});

for (
  const [what, graph, options, message] of [
    ["an input that is not there", {}, { input: "image" }, 'the model has no input "image", expected "pixels"'],
    ["an output that is not there", {}, { output: "score" }, 'the model has no output "score", expected "means"'],
    ["a prompt that is not there", {}, { prompt: { input: "ids" } }, 'the model has no input "ids", expected "pixels"'],
    ["an input of ids", { inputs: [pixels, ids] }, { input: "ids" }, 'input "ids" is int64 [batch, 3], expected real'],
    ["an input that is forgotten", { inputs: [pixels, ids] }, {}, 'nothing is given to the model\'s input "ids"'],
    [
      "two images",
      { inputs: [pixels, { ...pixels, name: "other" }] },
      {},
      '2 inputs of real numbers and four axes: "pixels", "other"',
    ],
    ["three numbers an image", {}, {}, 'output "means" has shape [4,3] for 4 images, expected one number an image'],
    ["a column too far", {}, { index: 3 }, "expected more than 3 columns"],
  ] as [string, Partial<OnnxGraphSource>, OnnxRewardOptions, string][]
) {
  Deno.test(`${what} is refused by name`, async () => {
    const model: OnnxModel = await load(graph);
    assertThrows(() => onnxReward(model, options).score(images, prompts), RangeError, message);
  });
}
