/**
 * Conversions between float32 and the two 16-bit floats of checkpoints, on
 * arrays of raw bits. All are exact or round to nearest, ties to even.
 *
 * @module
 */

const QUIET_NAN = 0x7fc0;

/**
 * Rounds float32 values to bfloat16, to nearest, ties to even. NaN stays NaN,
 * and what is too large becomes infinite.
 *
 * @param values the float32 values
 * @returns the bits of the bfloat16 values
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { bf16ToF32, f32ToBf16 } from "@dipp/nn";
 *
 * const bits = f32ToBf16(new Float32Array([1, 1 + 2 ** -8, 1 + 3 * 2 ** -8]));
 * assertEquals(
 *   bf16ToF32(bits),
 *   new Float32Array([1, 1, 1 + 2 ** -6]),
 * );
 * ```
 */
export function f32ToBf16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(
    values.buffer,
    values.byteOffset,
    values.length,
  );
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const u = bits[i];
    // Adding half of the dropped range, less one when the kept part is even,
    // carries exactly where the value has to be rounded up.
    out[i] = (u & 0x7fffffff) > 0x7f800000 ? QUIET_NAN | (u >>> 16 & 0x8000) : (u + 0x7fff + (u >>> 16 & 1)) >>> 16;
  }
  return out;
}

/**
 * Widens bfloat16 values to float32, exactly.
 *
 * @param bits the bits of the bfloat16 values
 * @returns the float32 values
 */
export function bf16ToF32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i] << 16;
  return new Float32Array(out.buffer);
}

/**
 * Rounds float32 values to IEEE half precision, to nearest, ties to even.
 * Values of magnitude 65520 and more become infinite.
 *
 * @param values the float32 values
 * @returns the bits of the half-precision values
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { f16ToF32, f32ToF16 } from "@dipp/nn";
 *
 * const bits = f32ToF16(new Float32Array([0.5, 2049, 65520]));
 * assertEquals(f16ToF32(bits), new Float32Array([0.5, 2048, Infinity]));
 * ```
 */
export function f32ToF16(values: Float32Array): Uint16Array<ArrayBuffer> {
  return new Uint16Array(new Float16Array(values).buffer);
}

/**
 * Widens half-precision values to float32, exactly.
 *
 * @param bits the bits of the half-precision values
 * @returns the float32 values
 */
export function f16ToF32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return new Float32Array(
    new Float16Array(bits.buffer, bits.byteOffset, bits.length),
  );
}
