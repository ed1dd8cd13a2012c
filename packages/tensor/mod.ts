/**
 * Lazy GPU tensors with automatic differentiation.
 *
 * Arithmetic builds a graph; `await t.data()`, `realize()` or a compiled step runs it: elementwise chains and views are
 * fused into generated kernels, intermediates share planned memory, and a whole training step is one submission.
 *
 * @example Gradient descent in one compiled step
 * ```ts
 * import { assign, compile, grad, init, scalar, type Tensor, tensor } from "@dipp/tensor";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * await init();
 * const x = await tensor([3, -2]).realize();
 * const step = compile(({ lr }: { lr: Tensor }) => {
 *   const loss = x.square().sum();
 *   assign(x, x.sub(grad(loss, [x])[0].mul(lr)));
 *   return { loss };
 * });
 * for (let i = 0; i < 50; i++) step({ lr: scalar(0.1) });
 * assertAlmostEquals((await x.data())[0], 0, 1e-3);
 * ```
 *
 * @module
 */
export { Tensor } from "./tensor.ts";
export { full } from "./ops/elementwise.ts";
export type { Axes } from "./ops/reduction.ts";
export type { Range } from "./ops/view.ts";
export { argsort, sort, type Sorted, topk } from "./ops/sort.ts";
export { format, type FormatOptions } from "./format.ts";
export { einsum } from "./ops/einsum.ts";
export type { DType, TypedArray } from "./dtype.ts";
export type { Shape } from "./shape.ts";
export { arange, type Nested, ones, scalar, tensor, zeros } from "./creation.ts";
export { after, checkpoint, grad, stopGradient, vjp } from "./autodiff.ts";
export { matmulPrecision } from "./matmul_precision.ts";
export { placeholder } from "./placeholder.ts";
export { assign } from "./runtime/assign.ts";
export { compile, type Compiled } from "./runtime/compile.ts";
export { type Device, type DeviceStats, init } from "./runtime/device.ts";
export { DEVICE_NAMES, type DeviceName, type DeviceOptions } from "./runtime/choose_backend.ts";
export type { WebGpuOptions } from "./backend/webgpu.ts";
export { explain, type Explanation } from "./runtime/explain.ts";
export { type KernelTime, type Profile, profile, type ProfileOptions } from "./runtime/profile.ts";
export type { KernelFacts, MemoryFacts, PlanTotals, TensorFacts } from "./schedule/explanation.ts";
export { realize } from "./runtime/realize.ts";
export { type DeviceWords, upload } from "./runtime/upload.ts";
export { type Tree, treeEntries, treeFromEntries, treeLeaves, treeMap, treeWithLeaves } from "./tree.ts";
export { gelu, geluTanh, leakyRelu, mish, quickGelu } from "./ops/activation.ts";
export { type AttentionOptions, scaledDotProductAttention } from "./ops/attention.ts";
export { conv2d, type Conv2dOptions, convTranspose2d, type Pair, upsampleNearest2d } from "./ops/conv2d.ts";
export { timestepEmbedding, type TimestepEmbeddingOptions } from "./ops/embedding.ts";
export {
  argmax,
  argmin,
  cat,
  chunk,
  cumsum,
  embedding,
  gather,
  indexSelect,
  oneHot,
  scatterAdd,
  split,
  stack,
  where,
} from "./ops/indexing.ts";
export { foldColumns, unfold, type WindowOptions } from "./ops/fold.ts";
export { interpolate, type InterpolateMode, type InterpolateOptions } from "./ops/interpolate.ts";
export { linear } from "./ops/linear.ts";
export { bceWithLogits, crossEntropy, type CrossEntropyOptions, mseLoss, type Reduction } from "./ops/loss.ts";
export {
  groupNorm,
  l2Normalize,
  layerNorm,
  logSoftmax,
  logsumexp,
  type NormOptions,
  rmsNorm,
  softmax,
} from "./ops/normalization.ts";
export { type PadMode, padWith } from "./ops/pad.ts";
export { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool2d, maxPool2d, type PoolOptions } from "./ops/pool.ts";
export { repeat, repeatInterleave, roll } from "./ops/repeat.ts";
export { pack, packedStarts, type PackOptions, unpack } from "./ops/pack.ts";
export { fold, key, randint, randn, uniform } from "./ops/random.ts";
