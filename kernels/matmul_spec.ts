/** What a matrix product's kernel is made of, and the forms that it comes in, as plain values. */
import type { StorageArray } from "./element.ts";
import type { Arithmetic } from "./half_products.ts";

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

/** Each invocation sums a tile of registers; the invocations of a workgroup are the lanes of one vector. */
export interface RegisterVariant {
  /** Tells the forms apart. */
  readonly kind: "register";
  /** Side of the product that the lanes divide among themselves. */
  readonly lanes: "rows" | "columns";
  /** Positions that an invocation sums on the other side, which all lanes share. */
  readonly height: number;
  /** Positions that an invocation sums on the laned side. */
  readonly width: number;
  /** Terms of the sum in one turn of the loop. */
  readonly turn: number;
}

/** A workgroup stages blocks of both factors in its memory; each invocation sums a patch in registers. */
export interface TiledVariant {
  /** Tells the forms apart. */
  readonly kind: "tiled";
  /** Rows that an invocation sums, 4 or 8; 16 times as many for a workgroup. */
  readonly rows: number;
  /** Columns that an invocation sums, 4 or 8; 16 times as many for a workgroup. */
  readonly columns: number;
  /** Terms of the sum that are staged at once, a multiple of 4. */
  readonly depth: number;
  /** Whether f32 factors are bound four elements to a word where they lie so (`liesInFours`); true by default. */
  readonly vec4?: boolean;
}

/** One form of a matrix product's kernel. */
export type MatmulVariant = RegisterVariant | TiledVariant;
