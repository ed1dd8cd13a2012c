/** What a matrix product's kernel for WebAssembly is made of. */
import type { WasmFunction } from "./function.ts";
import type { Code } from "./instructions.ts";

/** How numbers lie in a buffer; arithmetic is in f32. */
export type StorageType = "f32" | "f16" | "bf16";

/** One factor of a matrix product: a strided view of a buffer. */
export interface WasmMatmulOperand {
  /** Position of its buffer in the kernel's list of buffers. */
  readonly buffer: number;
  /** Position (i32) of the first element of matrix `z`, in elements; `z` is an i32 without side effects. */
  base(z: Code): Code;
  /** Elements from one row to the next, not negative; 0 repeats one row. */
  readonly rowStride: number;
  /** Elements from one column to the next, not negative; 0 repeats one column. */
  readonly colStride: number;
  /** How its elements are stored. */
  readonly type: StorageType;
}

/** Where results go: into a buffer of f32 as they are, or to a function that finishes and stores them. */
export type WasmOutput =
  | {
    /** Position of the output's buffer in the kernel's list of buffers; row-major f32. */
    readonly buffer: number;
  }
  | {
    /**
     * A function (first, count, values, buffers), all i32, without result: stores the results at the positions `first` to
     * `first + count - 1` of the row-major output, which lie as f32 at the address `values`, a multiple of 4. `buffers` is
     * the address of the list of the buffers' addresses. It may change what lies at `values`. Each position comes once, in
     * stretches of one row or of several whole rows.
     */
    readonly finish: WasmFunction;
  };

/** What a matrix product kernel is made of. */
export interface WasmMatmulSpec {
  /** Number of independent products. */
  readonly batch: number;
  /** Rows of the first factor and of the product. */
  readonly m: number;
  /** Columns of the second factor and of the product. */
  readonly n: number;
  /** Columns of the first factor and rows of the second: the length of each sum. */
  readonly k: number;
  /** First factor, [m, k] in each product. */
  readonly a: WasmMatmulOperand;
  /** Second factor, [k, n] in each product. */
  readonly b: WasmMatmulOperand;
  /** Where the product goes, [batch, m, n]. */
  readonly output: WasmOutput;
}
