import type { Kernel } from "./kernel.ts";
import { tiledMatmul } from "./matmul_tiled.ts";
import { registerMatmul } from "./matmul_register.ts";

/** One factor of a matrix product: a strided view of a storage array of f32. */
export interface MatmulOperand {
  /** Name of the storage array. */
  readonly name: string;
  /** WGSL expression (u32) of the first element's position in matrix `z`; `z` is a u32 expression. */
  base(z: string): string;
  /** Elements from one row to the next; 0 repeats one row. */
  readonly rowStride: number;
  /** Elements from one column to the next; 0 repeats one column. */
  readonly colStride: number;
}

/** What a matrix product kernel is made of. */
export interface MatmulSpec {
  /** Number of independent products. */
  readonly batch: number;
  /** Rows of the first factor and of the product. */
  readonly m: number;
  /** Columns of the second factor and of the product. */
  readonly n: number;
  /** Columns of the first factor and rows of the second: the length of each sum. */
  readonly k: number;
  /** First factor, [m, k] in each product. */
  readonly a: MatmulOperand;
  /** Second factor, [k, n] in each product. */
  readonly b: MatmulOperand;
  /** Bindings and helper functions. */
  readonly declarations: string;
  /**
   * Statements that finish and store one element: `index` is its row-major position in [batch, m, n] (u32 expression),
   * `value` the sum (f32 expression).
   */
  store(index: string, value: string): string;
  /** Kind of adapter: a processor that emulates one, or a graphics processor. */
  readonly target: "software" | "gpu";
  /** Invocations in a subgroup, where the device has subgroup operations and all its subgroups are of that size. */
  readonly subgroup?: number | undefined;
}

/**
 * Batched product of strided matrices, c[z] = a[z] b[z], accumulated in f32 in a fixed order, so that results repeat
 * bit for bit.
 *
 * Two variants: on a graphics processor, tiles of both factors staged in workgroup memory; on a software adapter,
 * where a barrier costs more than it saves, one tile of registers for each invocation.
 *
 * @param spec Sizes, factors and how to store.
 * @returns The kernel.
 * @throws {RangeError} Where a size is not a positive integer.
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
  return spec.target === "gpu" ? tiledMatmul(spec) : registerMatmul(spec);
}
