/** What is read off an ONNX file, field by field as in onnx.proto3. */

/** A 64-bit integer as the protobuf library gives it. */
export type Int64 = number | { toNumber(): number };

/** The number nearest to a 64-bit integer; lengths and positions are exact. */
export function toNumber(value: Int64 | undefined): number {
  return value === undefined ? 0 : typeof value === "number" ? value : value.toNumber();
}

/** A file. */
export interface ModelProto {
  readonly irVersion?: Int64;
  readonly producerName?: string;
  readonly graph?: GraphProto;
  readonly opsetImport: readonly OperatorSetProto[];
  readonly functions: readonly FunctionProto[];
}

/** A set of operators and its version. */
export interface OperatorSetProto {
  readonly domain?: string;
  readonly version?: Int64;
}

/** Nodes and what they read and give. */
export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name?: string;
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  readonly sparseInitializer: readonly unknown[];
}

/** One use of an operator. */
export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attribute: readonly AttributeProto[];
  readonly domain?: string;
}

/** An argument of a node that the file fixes. */
export interface AttributeProto {
  readonly name?: string;
  readonly f?: number;
  readonly i?: Int64;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly floats: readonly number[];
  readonly ints: readonly Int64[];
  readonly strings: readonly Uint8Array[];
  readonly type?: number;
  readonly refAttrName?: string;
}

/** A constant, its elements in one of several fields or in another file. */
export interface TensorProto {
  readonly dims: readonly Int64[];
  readonly dataType?: number;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly Int64[];
  readonly name?: string;
  readonly rawData?: Uint8Array;
  readonly doubleData: readonly number[];
  readonly uint64Data: readonly Int64[];
  readonly externalData: readonly { readonly key?: string; readonly value?: string }[];
  readonly dataLocation?: number;
}

/** Name, dtype and shape of an input or output. */
export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: {
    readonly tensorType?: {
      readonly elemType?: number;
      readonly shape?: { readonly dim: readonly { readonly dimValue?: Int64; readonly dimParam?: string }[] };
    };
  };
}

/** An operator that the file defines by a graph. */
export interface FunctionProto {
  readonly name?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly node: readonly NodeProto[];
  readonly opsetImport: readonly OperatorSetProto[];
  readonly domain?: string;
  readonly attributeProto: readonly AttributeProto[];
}
