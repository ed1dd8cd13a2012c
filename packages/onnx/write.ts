/** Writing models: what a network that was made here looks like to other runtimes. */
import { elementTypeNumber } from "./element_type.ts";
import type { OnnxValueInfo } from "./graph.ts";
import { encodeModel } from "./proto/encode.ts";
import { show, sizeOf } from "./shape.ts";
import { encodeBytes, type HostArray } from "./tensor_data.ts";

/** A value of an attribute, by its kind: JavaScript's numbers do not tell integers from reals. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly tensor: HostArray }
  | { readonly graph: OnnxGraphSource };

/** One use of an operator. */
export interface OnnxNodeSource {
  /** The operator. */
  readonly opType: string;
  /** Its domain; ONNX's own by default. */
  readonly domain?: string;
  /** Its name; that of its first output by default. */
  readonly name?: string;
  /** What it reads; "" where an optional input is left out. */
  readonly inputs: readonly string[];
  /** What it gives. */
  readonly outputs: readonly string[];
  /** Its attributes. */
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph. */
export interface OnnxGraphSource {
  /** What it is given. */
  readonly inputs: readonly OnnxValueInfo[];
  /** What it gives. */
  readonly outputs: readonly OnnxValueInfo[];
  /** Its nodes, each after those that it reads. */
  readonly nodes: readonly OnnxNodeSource[];
  /** Its constants and parameters, by name. */
  readonly initializers?: Readonly<Record<string, HostArray>>;
}

/** A model. */
export interface OnnxModelSource extends OnnxGraphSource {
  /** Version of ONNX's own operators. */
  readonly opset: number;
  /** Versions of other domains. */
  readonly domains?: Readonly<Record<string, number>>;
}

/** Version of the file format: that of opset 21, which runtimes of the last years read. */
const IR_VERSION = 10;

/**
 * Writes a model as an ONNX file. What the nodes mean is not checked; reading it with {@linkcode loadOnnx} does.
 *
 * @param source The model.
 * @returns The bytes of the file.
 * @throws {RangeError} If an initializer has another number of elements than its shape.
 *
 * @example A model that doubles what it is given
 * ```ts
 * import { loadOnnx, writeOnnx } from "@dipp/onnx";
 * import { tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = writeOnnx({
 *   opset: 17,
 *   inputs: [{ name: "x", type: "float32", shape: ["batch", 2] }],
 *   outputs: [{ name: "y", type: "float32", shape: ["batch", 2] }],
 *   nodes: [{ opType: "Mul", inputs: ["x", "two"], outputs: ["y"] }],
 *   initializers: { two: { type: "float32", shape: [1], data: [2] } },
 * });
 * const { y } = (await loadOnnx(bytes)).run({ x: tensor([[1, 2]]) });
 * assertEquals([...await y.data()], [2, 4]);
 * ```
 */
export function writeOnnx(source: OnnxModelSource): Uint8Array {
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: "dipp",
    graph: graphProto(source),
    opsetImport: Object.entries({ "": source.opset, ...source.domains }).map(([domain, version]) => ({
      domain,
      version,
    })),
  });
}

function graphProto({ inputs, outputs, nodes, initializers = {} }: OnnxGraphSource): object {
  return {
    name: "graph",
    node: nodes.map((node) => ({
      name: node.name ?? node.outputs[0],
      opType: node.opType,
      domain: node.domain ?? "",
      input: node.inputs,
      output: node.outputs,
      attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => attributeProto(name, value)),
    })),
    initializer: Object.entries(initializers).map(([name, array]) => tensorProto(name, array)),
    input: inputs.map(valueProto),
    output: outputs.map(valueProto),
  };
}

function valueProto({ name, type, shape }: OnnxValueInfo): object {
  const dim = shape?.map((n) => typeof n === "number" ? { dimValue: n } : n === "?" ? {} : { dimParam: n });
  return { name, type: { tensorType: { elemType: elementTypeNumber(type), ...(dim && { shape: { dim } }) } } };
}

function tensorProto(name: string, { type, shape, data }: HostArray): object {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(
      `Initializer "${name}" has ${data.length} elements: expected ${sizeOf(shape)}, ${show(shape)}`,
    );
  }
  return { name, dataType: elementTypeNumber(type), dims: shape, rawData: encodeBytes(data, type) };
}

/** Fields of AttributeProto, and its numbers of their types. */
function attributeProto(name: string, value: OnnxAttribute): object {
  if ("int" in value) return { name, type: 2, i: value.int };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("string" in value) return { name, type: 3, s: new TextEncoder().encode(value.string) };
  if ("ints" in value) return { name, type: 7, ints: value.ints };
  if ("floats" in value) return { name, type: 6, floats: value.floats };
  if ("tensor" in value) return { name, type: 4, t: tensorProto("", value.tensor) };
  return { name, type: 5, g: graphProto(value.graph) };
}
