/**
 * Rounding to 16-bit floats in WGSL, to nearest, ties to even, by integer arithmetic: the same bits on every adapter, and
 * infinity beyond the range, which `pack2x16float` leaves open.
 */
import type { DType } from "../dtype.ts";

/** Adds a function to the module that is being written. */
type AddHelper = (source: string) => void;

const ROUND_BF16 = `fn dipp_round_bf16(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  if ((b & 0x7fffffffu) > 0x7f800000u) { return (b >> 16u) | 0x40u; }
  return (b + 0x7fffu + ((b >> 16u) & 1u)) >> 16u;
}`;

// Below the normal range the addition of one half rounds at the right bit; above it the carry does
const ROUND_F16 = `fn dipp_round_f16(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  let sign = (b >> 16u) & 0x8000u;
  let m = b & 0x7fffffffu;
  if (m > 0x7f800000u) { return sign | 0x7e00u; }
  if (m >= 0x477ff000u) { return sign | 0x7c00u; }
  if (m < 0x38800000u) { return sign | (bitcast<u32>(bitcast<f32>(m) + 0.5) - 0x3f000000u); }
  return sign | ((m - 0x37fff001u + ((m >> 13u) & 1u)) >> 13u);
}`;

/** Expression (f32) of the value that storage as `dtype`, "f16" or "bf16", would give back. */
export function rounded(dtype: DType, value: string, helper: AddHelper): string {
  helper(dtype === "f16" ? ROUND_F16 : ROUND_BF16);
  return dtype === "f16"
    ? `unpack2x16float(dipp_round_f16(${value})).x`
    : `bitcast<f32>(dipp_round_bf16(${value}) << 16u)`;
}

/** Expression (u32) of the word that holds two values as `dtype`, "f16" or "bf16". */
export function packed(dtype: DType, low: string, high: string, helper: AddHelper): string {
  helper(dtype === "f16" ? ROUND_F16 : ROUND_BF16);
  return `(dipp_round_${dtype}(${low}) | (dipp_round_${dtype}(${high}) << 16u))`;
}
