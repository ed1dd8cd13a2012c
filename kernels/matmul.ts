import { checkArithmetic } from "./half_products.ts";
import type { Kernel } from "./kernel.ts";
import { registerMatmul } from "./matmul_register.ts";
import { tiledMatmul } from "./matmul_tiled.ts";
import type { MatmulSpec } from "./matmul_spec.ts";
import { defaultMatmulVariant } from "./matmul_variant.ts";

/**
 * Batched product of strided matrices, c[z] = a[z] b[z], accumulated in f32 in a fixed order, so that results repeat
 * bit for bit. With `arithmetic: "f16"` up to 8 products are multiplied and summed in f16 before they are added in f32,
 * an error of up to 2^-6.9 sum |a b|; the device needs the feature shader-f16.
 *
 * Two kinds of form: on a graphics processor, blocks of both factors staged in workgroup memory; on a software adapter,
 * where a barrier costs more than it saves, one tile of registers for each invocation.
 *
 * @param spec Sizes, factors and how to store.
 * @returns The kernel.
 * @throws {RangeError} Where a size is not a positive integer, or results are stored in pairs and rows are odd.
 * @throws {TypeError} Where factors that are not stored as f16 are to be multiplied in f16.
 *
 * @example A [64, 32] x [32, 16] product
 * ```ts
 * import { matmul } from "@dipp/kernels";
 * import { assert } from "@std/assert";
 *
 * const kernel = matmul({
 *   batch: 1, m: 64, n: 16, k: 32,
 *   a: { name: "a", base: () => "0u", rowStride: 32, colStride: 1 },
 *   b: { name: "b", base: () => "0u", rowStride: 16, colStride: 1 },
 *   declarations: `@group(0) @binding(0) var<storage, read> a: array<f32>;
 * @group(0) @binding(1) var<storage, read> b: array<f32>;
 * @group(0) @binding(2) var<storage, read_write> c: array<f32>;`,
 *   store: (index, value) => `c[${index}] = ${value};`,
 *   target: "software",
 * });
 * assert(kernel.code.includes("fn main"));
 * ```
 */
export function matmul(spec: MatmulSpec): Kernel {
  for (const size of ["batch", "m", "n", "k"] as const) {
    if (!Number.isInteger(spec[size]) || spec[size] < 1) {
      throw new RangeError(
        `Matmul size ${size} is ${spec[size]}, expected a positive integer`,
      );
    }
  }
  if (spec.storePair && spec.n % 2 !== 0) {
    throw new RangeError(`Matmul stores pairs of a row of ${spec.n} elements, expected an even number`);
  }
  checkArithmetic("Matmul", spec.arithmetic, [spec.a, spec.b]);
  const variant = spec.variant ?? defaultMatmulVariant(spec);
  return variant.kind === "tiled" ? tiledMatmul(spec, variant) : registerMatmul(spec, variant);
}
