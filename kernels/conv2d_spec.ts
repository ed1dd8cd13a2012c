/** What a convolution's kernel is made of, and the forms that it comes in, as plain values. */
import type { StorageArray } from "./element.ts";
import type { Arithmetic } from "./half_products.ts";
import type { MatmulVariant, TiledVariant } from "./matmul_spec.ts";

/** Sizes and settings of a two-dimensional convolution (strictly a cross-correlation, as in PyTorch). */
export interface ConvGeometry {
  /** Sizes of the input, [N, C, H, W]. */
  readonly input: readonly number[];
  /** Sizes of the weight, [O, C / groups, kH, kW]. */
  readonly weight: readonly number[];
  /** Sizes of the output, [N, O, oH, oW]. */
  readonly output: readonly number[];
  /** Input rows and columns from one output position to the next. */
  readonly stride: readonly [number, number];
  /** Zeros above and left of the input; those below and right follow from the output size. */
  readonly padding: readonly [number, number];
  /** Input rows and columns from one weight position to the next. */
  readonly dilation: readonly [number, number];
  /** Number of independent slices of the channels. */
  readonly groups: number;
}

/** The storage arrays that a convolution reads, contiguous. */
export interface ConvOperands {
  /** Input for the forward and the weight gradient pass; gradient of the output for the input gradient pass. */
  readonly first: StorageArray;
  /** Weight for the forward and the input gradient pass; gradient of the output for the weight gradient pass. */
  readonly second: StorageArray;
}

/** What a convolution kernel is made of. */
export interface ConvSpec {
  /** Which of the convolution and its two gradients to compute. */
  readonly pass: "forward" | "inputGrad" | "weightGrad";
  /** Sizes and settings of the forward convolution. */
  readonly geometry: ConvGeometry;
  /** Arrays to read. */
  readonly operands: ConvOperands;
  /** Bindings and helper functions. */
  readonly declarations: string;
  /**
   * Statements that finish and store one element: `index` is its position in the contiguous result (u32 expression),
   * `value` the sum (f32 expression).
   */
  store(index: string, value: string): string;
  /**
   * Statements that finish and store the elements at `index`, which is even, and after it. Where given, rows of the
   * result are of even length, and all elements are stored by it: results of 16 bits lie two in a word.
   */
  storePair?: ((index: string, value: string, next: string) => string) | undefined;
  /** Kind of adapter: a processor that emulates one, or a graphics processor. */
  readonly target: "software" | "gpu";
  /** Invocations in a subgroup, where the device has subgroup operations and all its subgroups are of that size. */
  readonly subgroup?: number | undefined;
  /** What factors are multiplied in; "f16", for which both must be stored so, sums short blocks in f16. f32 by default. */
  readonly arithmetic?: Arithmetic | undefined;
  /** Form of the kernel; by default the one that suits target and sizes. */
  readonly variant?: ConvVariant | undefined;
}

/** Each invocation slides over rows, with its sums in registers. */
export interface WindowVariant {
  /** Tells the forms apart. */
  readonly kind: "window";
  /** Most neighbouring positions of a row (weight gradient: weights) that an invocation sums. */
  readonly run: number;
  /** Most channels that it sums. */
  readonly channels: number;
}

/** A convolution of windows of one element, which is a product of matrices. */
export interface PointwiseVariant {
  /** Tells the forms apart. */
  readonly kind: "matmul";
  /** Form of the product; by default the one that suits it. */
  readonly product?: MatmulVariant;
}

/** One form of a convolution's kernel. */
export type ConvVariant = WindowVariant | PointwiseVariant | TiledVariant;
