/**
 * WGSL compute kernels as pure functions: a specification in, WGSL and a workgroup count out. No device, no state.
 *
 * Specifications carry WGSL snippets (bindings, how an element is read, how a result is finished and stored), so that
 * a scheduler fuses its elementwise work into them.
 *
 * @module
 */
export type { Kernel } from "./kernel.ts";
export { conv2d } from "./conv2d.ts";
export type {
  ConvGeometry,
  ConvOperands,
  ConvSpec,
  ConvVariant,
  PointwiseVariant,
  WindowVariant,
} from "./conv2d_spec.ts";
export { convKey, type ConvKind, convLiesInFours, convVariants, defaultConvVariant } from "./conv2d_variant.ts";
export { type Arithmetic } from "./half_products.ts";
export { type ElementType, type StorageArray } from "./element.ts";
export { elementwise, type ElementwiseSpec } from "./elementwise.ts";
export { matmul } from "./matmul.ts";
export {
  liesInFours,
  type MatmulOperand,
  type MatmulSpec,
  type MatmulVariant,
  type RegisterVariant,
  type TiledVariant,
} from "./matmul_spec.ts";
export {
  defaultMatmulVariant,
  matmulKey,
  type MatmulKind,
  type MatmulSizes,
  matmulVariants,
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
