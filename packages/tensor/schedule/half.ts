/** 16-bit floats in kernels. */
import type { DType } from "../dtype.ts";
import type { Expression, ExpressionPool } from "./expression.ts";
import { ROUND_BF16, ROUND_F16 } from "./functions.ts";

/** The bits (u32) of an f32 rounded to `dtype`, "f16" or "bf16". */
export function halfBits(pool: Pick<ExpressionPool, "call">, dtype: DType, value: Expression): Expression {
  return pool.call(dtype === "f16" ? ROUND_F16 : ROUND_BF16, [value]);
}

/** The f32 that bits (in the lower half of a u32) stand for as `dtype`. */
export function fromHalfBits(dtype: DType, bits: Expression): Expression {
  return dtype === "f16" ? bits.unpackF16() : bits.shiftLeft(16).bitcast("f32");
}

/** The value that storage as `dtype`, "f16" or "bf16", would give back. */
export function rounded(pool: Pick<ExpressionPool, "call">, dtype: DType, value: Expression): Expression {
  return fromHalfBits(dtype, halfBits(pool, dtype, value));
}
