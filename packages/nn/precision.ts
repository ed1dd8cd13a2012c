/**
 * Mixed precision: parameters are kept in f32, and computed with in 16 bits.
 *
 * @module
 */

import { type Tensor, treeMap } from "@dipp/tensor";
import type { Params } from "./params.ts";

/** What products and convolutions multiply: f32, or its rounding to bf16 or f16; they always sum in f32. */
export type Precision = "f32" | "bf16" | "f16";

/**
 * The copy of parameters that a network computes with. {@linkcode linear} and {@linkcode conv2d} round what they
 * multiply, and what comes back to them in the backward pass, to the dtype of their weight; sums, norms, activations and
 * everything else stay f32. The gradient of the copy is of its dtype; the f32 parameters move by it.
 *
 * f16 has few exponents: its small gradients need {@linkcode gradScaler}. bf16 has those of f32 and needs nothing.
 *
 * Source: Micikevicius et al., "Mixed Precision Training", arXiv 1710.03740, section 3.1.
 *
 * @param params the f32 parameters
 * @param precision what to compute in
 * @param isRounded which parameters are rounded; by default those with more than one axis
 * @returns the copy, as expressions; for f32 the parameters themselves
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { computeParams } from "@dipp/nn";
 * import { ones } from "@dipp/tensor";
 *
 * const { weight, bias } = computeParams({ weight: ones([2, 3]), bias: ones([2]) }, "bf16");
 * assertEquals([weight.dtype, bias.dtype], ["bf16", "f32"]);
 * ```
 */
export function computeParams<P extends Params>(
  params: P,
  precision: Precision,
  isRounded: (path: string, parameter: Tensor) => boolean = (_, parameter) => parameter.ndim > 1,
): P {
  if (precision === "f32") return params;
  return treeMap<Tensor, Tensor>(
    params,
    (p, path) => isRounded(path, p) ? p.cast(precision) : p,
  ) as P;
}
