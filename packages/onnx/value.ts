/** What flows between the nodes of a graph. */
import { full, type Tensor, tensor as makeTensor } from "@dipp/tensor";
import { dtypeOf, type ElementType, isFloat } from "./element_type.ts";
import { type Shape, show, sizeOf } from "./shape.ts";
import type { HostArray } from "./tensor_data.ts";

/**
 * A tensor of the graph: of the host where its elements are known before anything runs (shapes, constants), of the
 * device otherwise. A small parameter is both: what needs a number reads the host's, what computes uses the device's.
 */
export class Value {
  /** Its ONNX type. */
  readonly type: ElementType;
  /** Lengths of its axes. */
  readonly shape: Shape;
  /** Its elements, where they are known. */
  readonly host: ArrayLike<number> | undefined;
  /** Made of parameters: what is computed of it must follow when they change. */
  readonly isParameter: boolean;
  #tensor: Tensor | (() => Tensor);

  private constructor(
    type: ElementType,
    shape: Shape,
    host: ArrayLike<number> | undefined,
    tensor: Tensor | (() => Tensor),
    isParameter: boolean,
  ) {
    this.type = type;
    this.shape = shape;
    this.host = host;
    this.isParameter = isParameter;
    this.#tensor = tensor;
  }

  /** A tensor of the device. */
  static ofTensor(tensor: Tensor, type: ElementType): Value {
    return new Value(type, tensor.shape, undefined, tensor.cast(dtypeOf(type)), false);
  }

  /** Known elements; they reach the device where something computes with them. */
  static ofHost(array: HostArray): Value {
    return new Value(array.type, array.shape, array.data, () => upload(array), false);
  }

  /** A parameter of the device whose present elements are known. */
  static ofParameter(array: HostArray, tensor: () => Tensor): Value {
    return new Value(array.type, array.shape, array.data, tensor, true);
  }

  /** A vector of int64. */
  static ofInts(values: readonly number[]): Value {
    return Value.ofHost({ type: "int64", shape: [values.length], data: values });
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Real numbers. */
  get isFloat(): boolean {
    return isFloat(this.type);
  }

  /** The elements on the device. */
  get tensor(): Tensor {
    if (typeof this.#tensor === "function") this.#tensor = this.#tensor();
    return this.#tensor;
  }

  /** Type and shape, for messages. */
  toString(): string {
    return `${this.type} ${show(this.shape)}`;
  }
}

const I32 = 2 ** 31;

/** Copies elements of the host to the device, where 64-bit integers have 32 bits. */
export function upload({ type, shape, data }: HostArray): Tensor {
  const dtype = dtypeOf(type);
  if (dtype === "i32" && (type.endsWith("64") || type === "uint32")) {
    for (let i = 0; i < data.length; i++) {
      if (data[i] >= -I32 && data[i] < I32) continue;
      throw new RangeError(`${type} value ${data[i]} does not fit the 32-bit integers of the device`);
    }
  }
  // A constant of the kernels, without memory
  if (data.length === 1) return full(shape, data[0], dtype);
  if (data instanceof Float32Array) return makeTensor(data, shape, dtype);
  if (dtype === "i32") return makeTensor(Int32Array.from(data), shape);
  if (dtype === "u32") return makeTensor(Uint32Array.from(data), shape);
  if (dtype === "bool") return makeTensor(Uint8Array.from(data, (x) => x ? 1 : 0), shape);
  return makeTensor(Float32Array.from(data), shape, dtype);
}
