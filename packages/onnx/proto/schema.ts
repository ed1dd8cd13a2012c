/** The messages of onnx.proto3 that the importer reads: names and numbers of their fields. */

interface Field {
  readonly id: number;
  readonly type: string;
  readonly rule?: "repeated";
}

const one = (type: string, id: number): Field => ({ type, id });
const many = (type: string, id: number): Field => ({ type, id, rule: "repeated" });

/**
 * Fields of each message (onnx/onnx.proto3 of ONNX 1.18). Documentation, metadata and training information are left out:
 * a field that is not listed is skipped.
 */
export const MESSAGES: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  Model: {
    irVersion: one("int64", 1),
    producerName: one("string", 2),
    graph: one("Graph", 7),
    opsetImport: many("OperatorSet", 8),
    functions: many("Function", 25),
  },
  OperatorSet: { domain: one("string", 1), version: one("int64", 2) },
  Graph: {
    node: many("Node", 1),
    name: one("string", 2),
    initializer: many("Tensor", 5),
    input: many("ValueInfo", 11),
    output: many("ValueInfo", 12),
    sparseInitializer: many("SparseTensor", 15),
  },
  Node: {
    input: many("string", 1),
    output: many("string", 2),
    name: one("string", 3),
    opType: one("string", 4),
    attribute: many("Attribute", 5),
    domain: one("string", 7),
  },
  Attribute: {
    name: one("string", 1),
    f: one("float", 2),
    i: one("int64", 3),
    s: one("bytes", 4),
    t: one("Tensor", 5),
    g: one("Graph", 6),
    floats: many("float", 7),
    ints: many("int64", 8),
    strings: many("bytes", 9),
    type: one("int32", 20),
    refAttrName: one("string", 21),
  },
  Tensor: {
    dims: many("int64", 1),
    dataType: one("int32", 2),
    floatData: many("float", 4),
    int32Data: many("int32", 5),
    int64Data: many("int64", 7),
    name: one("string", 8),
    rawData: one("bytes", 9),
    doubleData: many("double", 10),
    uint64Data: many("uint64", 11),
    externalData: many("StringPair", 13),
    dataLocation: one("int32", 14),
  },
  SparseTensor: { values: one("Tensor", 1) },
  StringPair: { key: one("string", 1), value: one("string", 2) },
  ValueInfo: { name: one("string", 1), type: one("Type", 2) },
  Type: { tensorType: one("TensorType", 1) },
  TensorType: { elemType: one("int32", 1), shape: one("Shape", 2) },
  Shape: { dim: many("Dimension", 1) },
  Dimension: { dimValue: one("int64", 1), dimParam: one("string", 2) },
  Function: {
    name: one("string", 1),
    input: many("string", 4),
    output: many("string", 5),
    node: many("Node", 7),
    opsetImport: many("OperatorSet", 9),
    domain: one("string", 10),
    attributeProto: many("Attribute", 11),
  },
};
