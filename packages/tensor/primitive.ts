/**
 * What a primitive is: how it differentiates and what one element of it is. A primitive either is inlined into the kernel of
 * whoever reads it (elementwise operations, views, gathers, random bits), or is the core of a kernel of its own
 * (reductions, matmul, convolutions), into which its neighbours are fused.
 */
import type { Arithmetic, ConvGeometry } from "@dipp/kernels";
import type { Definition, Expression, ScalarType } from "./schedule/expression.ts";
import type { Index } from "./schedule/index_expression.ts";
import type { Tensor } from "./tensor.ts";

/** Writes what one element of a kernel is, reading values of the graph at symbolic coordinates. */
export interface Emitter {
  /** One element of a tensor. */
  value(tensor: Tensor, coords: readonly Index[]): Expression;
  /** A number. */
  literal(value: number, type: ScalarType): Expression;
  /** A position (u32). */
  index(index: Index): Expression;
  /** A position that is computed: `value` (u32), below `size`. */
  variable(value: Expression, size: number): Index;
  /** A function of scalars. */
  call(callee: Definition, args: readonly Expression[]): Expression;
  /** Word `lane` of the Threefry-2x32 block of a key and a counter, two words (u32) each. */
  threefry(lane: 0 | 1, args: readonly Expression[]): Expression;
}

/** Vector-Jacobian product: gradients with respect to the inputs, null where none flows. */
export type Vjp = (grad: Tensor, out: Tensor) => readonly (Tensor | null)[];

/** What all primitives have. */
export interface PrimitiveCommon {
  /** Its name, for plans and messages. */
  readonly name: string;
  /** Absent for operations with no gradient. */
  readonly vjp?: Vjp;
}

/** A primitive that is computed wherever it is read. */
export interface InlinePrimitive extends PrimitiveCommon {
  /** Computed where it is read. */
  readonly kind: "inline";
  /** Rough cost of one element in simple operations; free for views. Guides what is recomputed and what is stored. */
  readonly cost: number;
  /** True where coordinates change but values do not. */
  readonly view?: boolean;
  /** How many of the inputs are read; all when absent. The others matter to gradients, or to the order of kernels. */
  readonly operands?: number;
  /** The element at `coords`. */
  emit(emitter: Emitter, node: Tensor, coords: readonly Index[]): Expression;
}

/** Reduction of some axes of its one input. */
export interface ReducePrimitive extends PrimitiveCommon {
  /** A reduction. */
  readonly kind: "reduce";
  /** The axes that shrink to length one. */
  readonly axes: readonly number[];
  /** How elements combine. */
  readonly combine: "sum" | "prod" | "max" | "min";
}

/** Batched matrix product of two inputs [..., M, K] and [..., K, N] of equal batch shapes. */
export interface MatmulPrimitive extends PrimitiveCommon {
  /** A matrix product. */
  readonly kind: "matmul";
  /** What factors that are both stored as f16 are multiplied in. */
  readonly arithmetic: Arithmetic;
}

/** Convolution or one of its two gradients. */
export interface ConvPrimitive extends PrimitiveCommon {
  /** A convolution. */
  readonly kind: "conv2d";
  /** The convolution itself or one of its gradients. */
  readonly pass: "forward" | "inputGrad" | "weightGrad";
  /** Its sizes. */
  readonly geometry: ConvGeometry;
  /** What factors that are both stored as f16 are multiplied in. */
  readonly arithmetic: Arithmetic;
}

/**
 * One pass of an attention over [B, H, L, D] without the score matrix. Inputs: q, k, v; backward also the gradient of
 * the result, the forward node and the row sums of gradient times result [B, H, Lq]; last the mask [B, H, Lq, Lk], if any.
 * Its one axis holds, forward, the result [B, Lq, H, E] and two numbers a row; else dq, or dk and dv, laid out likewise.
 */
export interface AttentionPrimitive extends PrimitiveCommon {
  /** A pass of an attention. */
  readonly kind: "attention";
  /** The attention itself, the gradient of its queries, or those of its keys and values. */
  readonly pass: "forward" | "queryGrad" | "keyGrad";
  /** Whether the last input is a mask. */
  readonly masked: boolean;
  /** Whether position i sees j <= i only. */
  readonly causal: boolean;
  /** Factor on the scores. */
  readonly scale: number;
}

/** Inputs of one axis, one behind another, copied rather than computed. */
export interface ConcatPrimitive extends PrimitiveCommon {
  /** A copy of several tensors into one. */
  readonly kind: "concat";
  /** Where each input begins, in ascending order; what lies between them is 0. */
  readonly starts: readonly number[];
}

/** A tensor that is given, not computed: data on the host or in a device buffer. */
export interface LeafPrimitive extends PrimitiveCommon {
  /** Given, not computed. */
  readonly kind: "leaf";
}

/** Every kind of graph node. */
export type Primitive =
  | InlinePrimitive
  | ReducePrimitive
  | MatmulPrimitive
  | ConvPrimitive
  | AttentionPrimitive
  | ConcatPrimitive
  | LeafPrimitive;
