/** Writes small ONNX models: the few messages of onnx.proto that a graph without weights needs. */

/** A node: what it computes, of what, with which attributes (integers, or lists of them). */
export interface OnnxNode {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
  /** Attributes that are floating-point numbers. */
  readonly floats?: Readonly<Record<string, number>>;
  /** Set of operators; the standard one by default. */
  readonly domain?: string;
}

/** A graph over float32 tensors. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Constant vectors of int64, for shapes. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Constant vectors of float32; of one element: scalars. */
  readonly floats?: Readonly<Record<string, readonly number[]>>;
}

/** What is used of protobufjs. */
export interface Protobuf {
  readonly Root: {
    fromJSON(json: object): {
      lookupType(name: string): {
        fromObject(value: object): object;
        encode(message: object): { finish(): Uint8Array };
      };
    };
  };
}

type Field = { id: number; type: string; rule?: string };

const many = (type: string, id: number): Field => ({ type, id, rule: "repeated" });
const one = (type: string, id: number): Field => ({ type, id });

// Names and numbers of onnx.proto3; types nest as messages of their own here, which is the same on the wire
const MESSAGES: Record<string, Record<string, Field>> = {
  Attribute: {
    name: one("string", 1),
    f: one("float", 2),
    i: one("int64", 3),
    ints: many("int64", 8),
    type: one("int32", 20),
  },
  ValueInfo: { name: one("string", 1), type: one("Type", 2) },
  Node: {
    input: many("string", 1),
    output: many("string", 2),
    opType: one("string", 4),
    attribute: many("Attribute", 5),
    domain: one("string", 7),
  },
  Model: { irVersion: one("int64", 1), graph: one("Graph", 7), opsetImport: many("OperatorSet", 8) },
  Graph: {
    node: many("Node", 1),
    name: one("string", 2),
    initializer: many("Tensor", 5),
    input: many("ValueInfo", 11),
    output: many("ValueInfo", 12),
  },
  Tensor: {
    dims: many("int64", 1),
    dataType: one("int32", 2),
    floatData: many("float", 4),
    int64Data: many("int64", 7),
    name: one("string", 8),
  },
  Dimension: { dimValue: one("int64", 1) },
  Shape: { dim: many("Dimension", 1) },
  TensorType: { elemType: one("int32", 1), shape: one("Shape", 2) },
  Type: { tensorType: one("TensorType", 1) },
  OperatorSet: { domain: one("string", 1), version: one("int64", 2) },
};
const [FLOAT, INT64] = [1, 7];
const ATTRIBUTE = { float: 1, int: 2, ints: 7 };

/** The bytes of a model. */
export function onnxModel({ Root }: Protobuf, graph: OnnxGraph): Uint8Array {
  const nested = Object.fromEntries(Object.entries(MESSAGES).map(([name, fields]) => [name, { fields }]));
  const Model = Root.fromJSON({ nested }).lookupType("Model");
  const values = (shapes: Readonly<Record<string, readonly number[]>>) =>
    Object.entries(shapes).map(([name, shape]) => ({
      name,
      type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
    }));
  const node = ({ attributes = {}, floats = {}, domain = "", ...rest }: OnnxNode) => ({
    ...rest,
    domain,
    attribute: [
      ...Object.entries(attributes).map(([name, value]) =>
        typeof value === "number"
          ? { name, i: value, type: ATTRIBUTE.int }
          : { name, ints: value, type: ATTRIBUTE.ints }
      ),
      ...Object.entries(floats).map(([name, f]) => ({ name, f, type: ATTRIBUTE.float })),
    ],
  });
  const initializer = [
    ...Object.entries(graph.shapes ?? {}).map(([name, data]) => ({
      name,
      dims: [data.length],
      dataType: INT64,
      int64Data: data,
    })),
    ...Object.entries(graph.floats ?? {}).map(([name, data]) => ({
      name,
      dims: data.length === 1 ? [] : [data.length],
      dataType: FLOAT,
      floatData: data,
    })),
  ];
  return Model.encode(Model.fromObject({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }, { domain: "com.microsoft", version: 1 }],
    graph: {
      name: "work",
      node: graph.nodes.map(node),
      initializer,
      input: values(graph.inputs),
      output: values(graph.outputs),
    },
  })).finish();
}
