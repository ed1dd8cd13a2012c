/** The preference reward as an ONNX model. */
import type {
  BradleyTerryConfig,
  BradleyTerryParams,
  ImageEncoderConfig,
  ImageEncoderParams,
  WordEncoderParams,
} from "@dipp/rewards";
import { OnnxGraph, type Value } from "./onnx_graph.ts";

/**
 * Writes a reward that was learned from preferences as an ONNX model: `images` float32 `[batch, 3, height, width]` in
 * [0, 1] and `ids` int64 `[batch, length]`, 0 for padding, to `score` float32 `[batch]`.
 *
 * @param config The network's configuration.
 * @param params Its parameters.
 * @returns The bytes of the file, opset 17.
 *
 * @example A reward that other runtimes can compute, and dipp again
 * ```ts
 * import { loadOnnx } from "@dipp/onnx";
 * import { BradleyTerryReward, bradleyTerryReward, onnxReward } from "@dipp/rewards";
 * import { key, tensor, uniform } from "@dipp/tensor";
 * import { bradleyTerryOnnx } from "@dipp/train";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const network = new BradleyTerryReward({ image: { channels: [8] }, text: { vocab_size: 9 } });
 * const params = network.init(key(0));
 * const model = await loadOnnx(await bradleyTerryOnnx(network.config, params));
 * const [images, prompts] = [uniform(key(1), [1, 3, 8, 8]), { ids: tensor([[3, 0]], [1, 2], "i32") }];
 * assertAlmostEquals(
 *   await onnxReward(model, { prompt: { input: "ids" } }).score(images, prompts).item(),
 *   await bradleyTerryReward(network, params).score(images, prompts).item(),
 *   1e-4,
 * );
 * ```
 */
export async function bradleyTerryOnnx(config: BradleyTerryConfig, params: BradleyTerryParams): Promise<Uint8Array> {
  const graph = new OnnxGraph();
  const f = await encodeImages(graph, config.image, params.image);
  const g = await encodeWords(graph, params.text);
  const widths = [config.image.features, config.text.features], shared = Math.min(...widths);
  const first = (x: Value, width: number) =>
    width === shared ? x : graph.node("Slice", [
      x,
      graph.integers("slice.begin", [0]),
      graph.integers("slice.end", [shared]),
      graph.integers("slice.axes", [1]),
    ]);
  const product = graph.node("Mul", [first(f, widths[0]), first(g, widths[1])]);
  const joint = graph.node("Concat", [f, g, product], { axis: { int: 1 } });
  const hidden = graph.silu(await graph.linear("fc1", params.fc1, joint));
  const score = await graph.linear("fc2", params.fc2, hidden);
  const flat = graph.node("Reshape", [score, graph.integers("shape.flat", [-1])]);
  return graph.write([
    { name: "images", type: "float32", shape: ["batch", config.image.in_channels, "height", "width"] },
    { name: "ids", type: "int64", shape: ["batch", "length"] },
  ], { value: flat, info: { name: "score", type: "float32", shape: ["batch"] } });
}

async function encodeImages(
  graph: OnnxGraph,
  { norm_groups }: ImageEncoderConfig,
  params: ImageEncoderParams,
): Promise<Value> {
  const activate = async (name: string, norm: ImageEncoderParams["norm_out"], x: Value) =>
    graph.silu(await graph.groupNorm(name, norm, x, norm_groups));
  const doubled = graph.node("Mul", ["images", graph.reals("two", [2])]);
  let x = graph.node("Sub", [doubled, graph.reals("one", [1])]);
  for (const [s, stage] of params.stages.entries()) {
    const name = `image.stages.${s}`;
    x = await graph.conv2d(`${name}.downsample`, stage.downsample, x, 2);
    x = await activate(`${name}.norm`, stage.norm, x);
    for (const [b, block] of stage.blocks.entries()) {
      const own = `${name}.blocks.${b}`;
      let h = await graph.conv2d(`${own}.conv1`, block.conv1, await activate(`${own}.norm1`, block.norm1, x));
      h = await graph.conv2d(`${own}.conv2`, block.conv2, await activate(`${own}.norm2`, block.norm2, h));
      x = graph.node("Add", [x, h]);
    }
  }
  const pooled = graph.node("ReduceMean", [await activate("image.norm_out", params.norm_out, x)], {
    axes: { ints: [2, 3] },
    keepdims: { int: 0 },
  });
  return await graph.linear("image.proj", params.proj, pooled);
}

async function encodeWords(graph: OnnxGraph, params: WordEncoderParams): Promise<Value> {
  const words = await graph.embedding("text.embed", params.embed, "ids");
  const isPadding = graph.node("Equal", ["ids", graph.integers("padding", 0)]);
  const kept = graph.node("Cast", [graph.node("Not", [isPadding])], { to: { int: 1 } });
  const overWords = graph.integers("axis.words", [1]), last = graph.integers("axis.last", [2]);
  const sum = (x: Value, keepdims: number) => graph.node("ReduceSum", [x, overWords], { keepdims: { int: keepdims } });
  const total = sum(graph.node("Mul", [words, graph.node("Unsqueeze", [kept, last])]), 0);
  const count = graph.node("Max", [sum(kept, 1), graph.reals("least", [1])]);
  const hidden = await graph.linear("text.fc1", params.fc1, graph.node("Div", [total, count]));
  return await graph.linear("text.fc2", params.fc2, graph.silu(hidden));
}
