/** Constants of an ONNX file as arrays of the host. */
import { BYTES, type ElementType, elementType } from "./element_type.ts";
import { type TensorProto, toNumber } from "./proto/messages.ts";
import { show, sizeOf } from "./shape.ts";

/** Elements on the host, row-major. */
export interface HostArray {
  /** Their ONNX type. */
  readonly type: ElementType;
  /** Lengths of the axes. */
  readonly shape: readonly number[];
  /** The elements; integers of 64 bits as the nearest double. */
  readonly data: ArrayLike<number>;
}

/** Bytes that lie outside the model's file, by the constant they belong to. */
export type ExternalBytes = ReadonlyMap<TensorProto, Uint8Array>;

/** How many elements a constant has by its dims, and how many bytes it should have. */
export function declaredSize(proto: TensorProto): { type: ElementType; shape: number[]; size: number; bytes: number } {
  const type = elementType(proto.dataType ?? 0);
  const shape = proto.dims.map(toNumber);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0)) {
    throw new SyntaxError(`tensor "${proto.name ?? ""}" has dims ${show(shape)}: expected lengths of at least 0`);
  }
  const size = sizeOf(shape);
  return { type, shape, size, bytes: size * BYTES[type] };
}

/**
 * Decodes a constant.
 *
 * @param proto The constant.
 * @param external Bytes that lie in other files.
 * @returns Its elements; those of float32 may share the memory of the file.
 * @throws {SyntaxError} If it has another number of elements than its dims say.
 * @throws {TypeError} If its element type is not supported.
 */
export function decodeTensor(proto: TensorProto, external: ExternalBytes): HostArray {
  const { type, shape, size, bytes } = declaredSize(proto);
  const wrong = (got: number, unit: string, expected: number) =>
    new SyntaxError(
      `tensor "${proto.name ?? ""}" of ${type} ${show(shape)} has ${got} ${unit}: expected ${expected}`,
    );
  const raw = external.get(proto) ?? proto.rawData;
  if (raw && raw.length > 0 || proto.dataLocation === 1) {
    if (raw?.length !== bytes) throw wrong(raw?.length ?? 0, "bytes", bytes);
    return { type, shape, data: decodeBytes(raw, type) };
  }
  const values = typedField(proto, type);
  if (values.length !== size) throw wrong(values.length, "elements", size);
  return { type, shape, data: values };
}

/** The field that holds elements of a type where they are not raw (the comments of TensorProto). */
function typedField(proto: TensorProto, type: ElementType): ArrayLike<number> {
  switch (type) {
    case "float32":
      return proto.floatData;
    case "float64":
      return proto.doubleData;
    case "int64":
      return proto.int64Data.map(toNumber);
    case "uint32":
    case "uint64":
      return proto.uint64Data.map(toNumber);
    case "float16":
      return new Float16Array(Uint16Array.from(proto.int32Data).buffer);
    case "bfloat16":
      return new Float32Array(Uint32Array.from(proto.int32Data, (bits) => bits << 16).buffer);
    default:
      return proto.int32Data;
  }
}

/** Little-endian elements. */
function decodeBytes(raw: Uint8Array, type: ElementType): ArrayLike<number> {
  // Typed arrays want an aligned start
  const { buffer, byteOffset: start, length } = raw.byteOffset % BYTES[type] === 0 ? raw : raw.slice();
  const count = length / BYTES[type];
  switch (type) {
    case "float32":
      return new Float32Array(buffer, start, count);
    case "float64":
      return new Float64Array(buffer, start, count);
    case "float16":
      return new Float16Array(buffer, start, count);
    case "bfloat16":
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer, start, count), (bits) => bits << 16).buffer);
    case "int64":
      return Float64Array.from(new BigInt64Array(buffer, start, count), Number);
    case "uint64":
      return Float64Array.from(new BigUint64Array(buffer, start, count), Number);
    case "int32":
      return new Int32Array(buffer, start, count);
    case "uint32":
      return new Uint32Array(buffer, start, count);
    case "int16":
      return new Int16Array(buffer, start, count);
    case "uint16":
      return new Uint16Array(buffer, start, count);
    case "int8":
      return new Int8Array(buffer, start, count);
    case "uint8":
    case "bool":
      return new Uint8Array(buffer, start, count);
  }
}

/** The elements as a file has them, little-endian. */
export function encodeBytes(data: ArrayLike<number>, type: ElementType): Uint8Array {
  return new Uint8Array(typed(data, type).buffer);
}

function typed(data: ArrayLike<number>, type: ElementType): ArrayBufferView<ArrayBuffer> {
  switch (type) {
    case "float32":
      return Float32Array.from(data);
    case "float64":
      return Float64Array.from(data);
    case "float16":
      return Float16Array.from(data);
    case "bfloat16":
      // Cut off, to the nearest where what is cut is half or more
      return Uint16Array.from(new Uint32Array(Float32Array.from(data).buffer), (bits) => (bits + 0x8000) >>> 16);
    case "int64":
      return BigInt64Array.from(Array.from(data, BigInt));
    case "uint64":
      return BigUint64Array.from(Array.from(data, BigInt));
    case "int32":
      return Int32Array.from(data);
    case "uint32":
      return Uint32Array.from(data);
    case "int16":
      return Int16Array.from(data);
    case "uint16":
      return Uint16Array.from(data);
    case "int8":
      return Int8Array.from(data);
    case "uint8":
    case "bool":
      return Uint8Array.from(data);
  }
}
