/** dipp beside onnxruntime-web, node by node. */
import { folderReader, loadOnnx } from "@dipp/onnx";
import { realize, type Tensor, tensor } from "@dipp/tensor";
import { relativeError } from "@dipp/tensor/testing";
import { type InputSpec, makeInputs } from "./inputs.ts";
import { type HostInput, type HostValue, runOnnxruntime } from "./oracle.ts";

/** One value of the graph in both implementations. */
export interface Comparison {
  /** The value. */
  readonly value: string;
  /** The node that gives it. */
  readonly node: string;
  /** The node's operator. */
  readonly opType: string;
  /** Lengths of its axes, by dipp. */
  readonly shape: readonly number[];
  /** max_i |a_i - b_i| / max(|b_i|, rms(b)), b by onnxruntime; infinite where the shapes differ. */
  readonly error: number;
  /** What is wrong, beyond a number. */
  readonly problem?: string;
}

/** What a comparison found. */
export interface Report {
  /** The model. */
  readonly model: string;
  /** Version of its operators. */
  readonly opset: number;
  /** Its operators, and how often. */
  readonly operators: Readonly<Record<string, number>>;
  /** Attentions that run as one kernel. */
  readonly fusedAttentions: number;
  /** Values of all nodes, in graph order, computed as the file has them. */
  readonly nodes: readonly Comparison[];
  /** Outputs of `run`, where attention is fused. */
  readonly outputs: readonly Comparison[];
  /** The largest error allowed. */
  readonly bound: number;
  /** The first of `nodes`, or else of `outputs`, beyond the bound. */
  readonly firstDivergence: Comparison | undefined;
  /** The largest error of all. */
  readonly largest: Comparison | undefined;
}

/** What to compare, and how. */
export interface CheckOptions {
  /** What is said of the inputs, by name. */
  readonly inputs?: ReadonlyMap<string, InputSpec>;
  /** Largest error allowed; 1e-3 by default. */
  readonly bound?: number;
}

/**
 * Runs a model by dipp and by onnxruntime-web on the same random inputs, every intermediate made an output, and compares.
 *
 * @param path The model.
 * @param options Inputs and bound.
 * @returns Errors of all values in graph order.
 * @throws {Error} If one of the two cannot run the model.
 */
export async function checkModel(path: string, options: CheckOptions = {}): Promise<Report> {
  const { inputs: specs = new Map(), bound = 1e-3 } = options;
  const external: string[] = [];
  const read = folderReader(path.replace(/[^/\\]*$/, "") || ".");
  const model = await loadOnnx(path, {
    readExternal: (file, offset, length) => {
      external.push(file);
      return read(file, offset, length);
    },
  });
  const inputs = await makeInputs(model, specs);
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, toTensor(input)]));
  // Within functions nothing can be asked for; where such a node gives an output of the function, its reader differs
  const traced = model.trace(feeds).filter((node) => !node.isInlined);
  const names = new Set(traced.flatMap((node) => node.outputs.map((o) => o.name)));
  for (const { name } of model.outputs) names.delete(name);
  const expected = await runOnnxruntime(path, inputs, [...names], [...new Set(external)]);

  // Where no attention is fused, running is what was traced
  const values = new Map(traced.flatMap((node) => node.outputs.map((o) => [o.name, o.value] as const)));
  const isTraced = model.fusedAttentions === 0 && model.outputs.every((o) => values.has(o.name));
  const results = isTraced
    ? Object.fromEntries(model.outputs.map((o) => [o.name, values.get(o.name)!]))
    : model.run(feeds);
  // Everything is one graph: computed together, each value once
  await realize(...values.values(), ...Object.values(results));
  const nodes: Comparison[] = [];
  for (const { name: node, opType, outputs } of traced) {
    for (const { name: value, value: actual } of outputs) {
      nodes.push(await compare({ node, opType, value }, actual, expected.get(value)));
    }
  }
  const outputs: Comparison[] = [];
  for (const [value, actual] of Object.entries(results)) {
    outputs.push(await compare({ node: "output", opType: "run", value }, actual, expected.get(value)));
  }
  const all = [...nodes, ...outputs];
  return {
    model: path,
    opset: model.opsets[""] ?? 0,
    operators: model.operators,
    fusedAttentions: model.fusedAttentions,
    nodes,
    outputs,
    bound,
    firstDivergence: all.find(({ error }) => !(error <= bound)),
    largest: all.reduce<Comparison | undefined>((a, b) => a && a.error >= b.error ? a : b, undefined),
  };
}

function toTensor({ type, shape, data }: HostInput): Tensor {
  if (type === "bool") return tensor(Uint8Array.from(data), shape);
  if (type === "uint32") return tensor(Uint32Array.from(data), shape);
  return /int/.test(type) ? tensor(Int32Array.from(data), shape) : tensor(Float32Array.from(data), shape);
}

async function compare(
  names: Pick<Comparison, "node" | "opType" | "value">,
  actual: Tensor,
  expected: HostValue | undefined,
): Promise<Comparison> {
  const base = { ...names, shape: actual.shape };
  if (!expected) return { ...base, error: Infinity, problem: "onnxruntime gives no such value" };
  if (expected.shape.join() !== actual.shape.join()) {
    return { ...base, error: Infinity, problem: `onnxruntime has shape [${expected.shape.join(", ")}]` };
  }
  const isWhole = actual.dtype === "i32" || actual.dtype === "u32" || actual.dtype === "bool";
  const reference = isWhole ? Int32Array.from(expected.data) : expected.data;
  const { max, index } = relativeError(await actual.data(), reference);
  return max > 0 && max === Infinity
    ? { ...base, error: max, problem: `element ${index} differs` }
    : { ...base, error: max };
}
