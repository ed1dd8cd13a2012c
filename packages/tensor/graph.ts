/**
 * What lies under a tensor: the kinds of graph nodes, the memory that holds their elements, and the seam to the device
 * that computes them. Needed to add a primitive or a backend; ordinary code needs none of it.
 *
 * @example What a node is made of
 * ```ts
 * import { tensor } from "@dipp/tensor";
 * import type { Primitive } from "@dipp/tensor/graph";
 * import { assertEquals } from "@std/assert";
 *
 * const { primitive }: { primitive: Primitive } = tensor([1, 2]).exp();
 * assertEquals([primitive.kind, primitive.name], ["inline", "exp"]);
 * ```
 *
 * @module
 */
export type {
  AttentionPrimitive,
  ConcatPrimitive,
  ConvPrimitive,
  Emitter,
  InlinePrimitive,
  LeafPrimitive,
  MatmulPrimitive,
  Primitive,
  PrimitiveCommon,
  ReducePrimitive,
  Vjp,
} from "./primitive.ts";
export type { ConvGeometry } from "@dipp/kernels";
export type { Definition, Expression, ExpressionPool, Form, Operation, ScalarType } from "./schedule/expression.ts";
export type { Atom, Index } from "./schedule/index_expression.ts";
export type { Storage } from "./runtime/storage.ts";
export type * from "./backend/backend.ts";
