/** Numbers as buffers hold them; for tests. */
import type { StorageType } from "./matmul_spec.ts";

/** Numbers as an array of some type holds them, and as they were rounded to fit. */
export interface Rounded {
  /** The type. */
  readonly type: StorageType;
  /** What lies in the buffer. */
  readonly bytes: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  /** The same numbers as f32. */
  readonly values: Float32Array;
}

/** Rounds numbers to a type; bf16 cuts off, which is a rounding too. */
export function encoded(numbers: Float32Array<ArrayBuffer>, type: StorageType): Rounded {
  if (type === "f32") return { type, bytes: numbers, values: numbers };
  if (type === "f16") {
    const halves = new Float16Array(numbers);
    return { type, bytes: new Uint16Array(halves.buffer), values: Float32Array.from(halves) };
  }
  const bytes = new Uint16Array(new Uint32Array(numbers.buffer).map((bits) => bits >>> 16));
  return { type, bytes, values: new Float32Array(new Uint32Array(bytes).map((bits) => bits << 16).buffer) };
}
