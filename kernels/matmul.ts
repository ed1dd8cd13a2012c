import type { StorageArray } from "./element.ts";
import { type Arithmetic, checkArithmetic } from "./half_products.ts";
import type { Kernel } from "./kernel.ts";
import { registerMatmul } from "./matmul_register.ts";
import { tiledMatmul } from "./matmul_tiled.ts";
import { defaultMatmulVariant, type MatmulVariant } from "./matmul_variant.ts";

/** One factor of a matrix product: a strided view of a storage array. */
export interface MatmulOperand extends StorageArray {
  /** WGSL expression (u32) of the first element's position in matrix `z`; `z` is a u32 expression. */
  base(z: string): string;
  /** Elements from one row to the next; 0 repeats one row. */
  readonly rowStride: number;
  /** Elements from one column to the next; 0 repeats one column. */
  readonly colStride: number;
  /** What every value of `base` is a multiple of; 1 by default. Words of several elements are read whole where it fits. */
  readonly alignment?: number;
}

/**
 * Whether the elements of a matrix that lie together can be read four at a time: both its lines and their beginnings are
 * at multiples of four.
 */
export function liesInFours(
  { rowStride, colStride, alignment = 1 }: Pick<MatmulOperand, "rowStride" | "colStride" | "alignment">,
  rows: number,
  columns: number,
): boolean {
  const [across, extent] = colStride === 1 ? [rowStride, columns] : [colStride, rows];
  return (colStride === 1 || rowStride === 1) && [across, extent, alignment].every((n) => n % 4 === 0);
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
  /**
   * Statements that finish and store the elements at `index`, which is even, and after it. Where given, `n` is even, and
   * all elements are stored by it: results of 16 bits lie two in a word.
   */
  storePair?: ((index: string, value: string, next: string) => string) | undefined;
  /** Kind of adapter: a processor that emulates one, or a graphics processor. */
  readonly target: "software" | "gpu";
  /** Invocations in a subgroup, where the device has subgroup operations and all its subgroups are of that size. */
  readonly subgroup?: number | undefined;
  /** What factors are multiplied in; "f16", for which both must be stored so, sums short blocks in f16. f32 by default. */
  readonly arithmetic?: Arithmetic | undefined;
  /** Form of the kernel, one that the target runs; by default the one that suits target and sizes. */
  readonly variant?: MatmulVariant | undefined;
}

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
