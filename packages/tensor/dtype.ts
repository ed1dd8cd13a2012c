/** Element types of tensors and their host representations. */

/** Element type of a tensor; f16 and bf16 are storage types, arithmetic runs in f32. */
export type DType = "f32" | "f16" | "bf16" | "i32" | "u32" | "bool";

/** Host array that a tensor is made from or read back into; 16-bit floats appear as Float32Array. */
export type TypedArray = Float32Array | Int32Array | Uint32Array | Uint8Array;

/** Whether a dtype holds real numbers. */
export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f16" || dtype === "bf16";
}

/** Whether a dtype is stored in two bytes, two elements to a 32-bit word. */
export function isHalf(dtype: DType): boolean {
  return dtype === "f16" || dtype === "bf16";
}

/** Scalar type that arithmetic on a dtype uses. */
export function scalarType(dtype: DType): "f32" | "i32" | "u32" | "bool" {
  return isFloat(dtype) ? "f32" : dtype as "i32" | "u32" | "bool";
}

/** Type of the words of the storage array behind a dtype. */
export function storageType(dtype: DType): "f32" | "i32" | "u32" {
  if (dtype === "f32") return "f32";
  return dtype === "i32" ? "i32" : "u32";
}

/** Bytes that `size` elements of a dtype take on the device, in whole 32-bit words. */
export function byteLength(dtype: DType, size: number): number {
  return isHalf(dtype) ? 4 * Math.ceil(size / 2) : 4 * size;
}

const RANK: Record<DType, number> = {
  bool: 0,
  i32: 1,
  u32: 2,
  bf16: 3,
  f16: 3,
  f32: 4,
};

/** Result dtype of an operation on two dtypes: the wider kind wins; f16 with bf16 gives f32. */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  if (RANK[a] === RANK[b]) return "f32";
  return RANK[a] > RANK[b] ? a : b;
}

/** Dtype that a host array stands for by default. */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Int32Array) return "i32";
  if (data instanceof Uint32Array) return "u32";
  return "bool";
}

const word = new DataView(new ArrayBuffer(4));

/** Nearest bfloat16 bits of a number, ties to even; NaN stays NaN. */
export function toBfloat16(x: number): number {
  word.setFloat32(0, x);
  const bits = word.getUint32(0);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Encodes host data into the 32-bit words that the device holds for a dtype. */
export function encode(data: ArrayLike<number>, dtype: DType): ArrayBufferView {
  const size = data.length;
  if (dtype === "f32") {
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }
  if (dtype === "i32") {
    return data instanceof Int32Array ? data : Int32Array.from(data);
  }
  if (dtype === "u32") {
    return data instanceof Uint32Array ? data : Uint32Array.from(data);
  }
  if (dtype === "bool") return Uint32Array.from(data, (x) => x ? 1 : 0);
  const halves = new Uint16Array(2 * Math.ceil(size / 2));
  if (dtype === "f16") {
    new Float16Array(halves.buffer).set(data as ArrayLike<number>);
  } else for (let i = 0; i < size; i++) halves[i] = toBfloat16(data[i]);
  return halves;
}

/** Decodes device words into the host array of a dtype. */
export function decode(
  words: ArrayBuffer,
  dtype: DType,
  size: number,
): TypedArray {
  if (dtype === "f32") return new Float32Array(words, 0, size);
  if (dtype === "i32") return new Int32Array(words, 0, size);
  if (dtype === "u32") return new Uint32Array(words, 0, size);
  if (dtype === "bool") return Uint8Array.from(new Uint32Array(words, 0, size));
  if (dtype === "f16") {
    return Float32Array.from(new Float16Array(words, 0, size));
  }
  const wide = new Uint32Array(size);
  const halves = new Uint16Array(words, 0, size);
  for (let i = 0; i < size; i++) wide[i] = halves[i] << 16;
  return new Float32Array(wide.buffer);
}
