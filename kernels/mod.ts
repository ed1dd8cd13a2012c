/**
 * WGSL compute kernels as pure functions: a specification in, WGSL and a workgroup count out. No device, no state.
 *
 * Specifications carry WGSL snippets (bindings, how an element is read, how a result is finished and stored), so that
 * a scheduler fuses its elementwise work into them.
 *
 * @module
 */
export type { Kernel } from "./kernel.ts";
export { conv2d, type ConvGeometry, type ConvOperands, type ConvSpec } from "./conv2d.ts";
export {
  convKey,
  type ConvKind,
  convLiesInFours,
  type ConvVariant,
  convVariants,
  defaultConvVariant,
  type PointwiseVariant,
  type WindowVariant,
} from "./conv2d_variant.ts";
export { type Arithmetic } from "./half_products.ts";
export { type ElementType, type StorageArray } from "./element.ts";
export { elementwise, type ElementwiseSpec } from "./elementwise.ts";
export { liesInFours, matmul, type MatmulOperand, type MatmulSpec } from "./matmul.ts";
export {
  defaultMatmulVariant,
  matmulKey,
  type MatmulKind,
  type MatmulSizes,
  type MatmulVariant,
  matmulVariants,
  type RegisterVariant,
  type TiledVariant,
} from "./matmul_variant.ts";
export { reduce, type ReduceSpec } from "./reduce.ts";
export {
  type AttentionBackwardSpec,
  type AttentionForwardSpec,
  type AttentionKeyGradSpec,
  type AttentionQueryGradSpec,
  type AttentionSpec,
  type MatrixView,
} from "./attention.ts";
export { attentionKeyGrad, attentionQueryGrad } from "./attention_backward.ts";
export { attentionForward } from "./attention_forward.ts";
