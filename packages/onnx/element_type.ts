/** Element types of ONNX and what stands for them on the device. */
import type { DType } from "@dipp/tensor";

/** Element type of an ONNX value. */
export type ElementType =
  | "float32"
  | "float16"
  | "bfloat16"
  | "float64"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool";

/** Bytes of an element in a file. */
export const BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float64: 8,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
};

/** TensorProto.DataType by number. */
const BY_NUMBER: Readonly<Record<number, ElementType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};

const NOT_HERE: Readonly<Record<number, string>> = {
  0: "undefined",
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
};

/**
 * The element type of a number of TensorProto.DataType.
 *
 * @throws {TypeError} If it is one that the importer does not have, or none at all; the message names it.
 */
export function elementType(number: number): ElementType {
  const type = BY_NUMBER[number];
  if (type) return type;
  throw new TypeError(
    `element type ${NOT_HERE[number] ?? number} is not supported, expected one of ${
      Object.values(BY_NUMBER).join(", ")
    }`,
  );
}

/** The number of an element type in TensorProto.DataType. */
export function elementTypeNumber(type: ElementType): number {
  return Number(Object.keys(BY_NUMBER).find((number) => BY_NUMBER[Number(number)] === type));
}

/** Whether a type holds real numbers. */
export function isFloat(type: ElementType): boolean {
  return type === "float32" || type === "float16" || type === "bfloat16" || type === "float64";
}

/** What holds a type on the device: real numbers of at most 32 bits, integers as i32 (unsigned 32-bit ones as u32). */
export function dtypeOf(type: ElementType): DType {
  if (type === "float32" || type === "float64") return "f32";
  if (type === "float16") return "f16";
  if (type === "bfloat16") return "bf16";
  if (type === "bool") return "bool";
  return type === "uint32" ? "u32" : "i32";
}

/** The ONNX type that a tensor of the device is taken for, where nothing else says. */
export function elementTypeOf(dtype: DType): ElementType {
  const types = {
    f32: "float32",
    f16: "float16",
    bf16: "bfloat16",
    i32: "int32",
    u32: "uint32",
    bool: "bool",
  } as const;
  return types[dtype];
}
