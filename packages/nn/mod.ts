/**
 * Neural networks as data: parameter trees named like the checkpoints of the
 * reference libraries, layers and optimisers as pure functions on them, and
 * safetensors and PyTorch checkpoints in, safetensors out.
 *
 * A network has no state of its own: the same layers evaluate a teacher, its
 * copy and parameters that are still expressions. An update is an expression
 * too; {@linkcode assignTree} writes it back.
 *
 * @example Train a layer
 * ```ts
 * import { assert } from "@std/assert";
 * import {
 *   adamw,
 *   assignTree,
 *   clipByGlobalNorm,
 *   gradTree,
 *   linear,
 *   lrSchedule,
 *   realizeParams,
 * } from "@dipp/nn";
 * import { compile, init, key, mseLoss, ones, scalar, type Tensor } from "@dipp/tensor";
 *
 * await init();
 * const params = await realizeParams({ fc: linear.init(key(0), 4, 2) });
 * const optimiser = adamw();
 * const state = await realizeParams(optimiser.init(params));
 * const step = compile(({ lr }: { lr: Tensor }) => {
 *   const loss = mseLoss(linear.apply(params.fc, ones([1, 4])), ones([1, 2]));
 *   const { grads } = clipByGlobalNorm(gradTree(loss, params), 1);
 *   const next = optimiser.update(params, grads, state, { lr });
 *   assignTree(params, next.params);
 *   assignTree(state, next.state);
 *   return loss;
 * });
 * const lr = lrSchedule({ name: "cosine", lr: 0.1, totalSteps: 50 });
 * for (let i = 0; i < 50; i++) step({ lr: scalar(lr(i)) });
 * const y = linear.apply(params.fc, ones([1, 4]));
 * assert(await mseLoss(y, ones([1, 2])).item() < 0.01);
 * ```
 *
 * @module
 */

export * from "./params.ts";
export * from "./packing.ts";
export * from "./checkpoint.ts";
export {
  type CheckpointReport,
  checkpointReport,
  type Misfit,
  type ReportOptions,
  reportText,
} from "./checkpoint_report.ts";
export * from "./load_checkpoint.ts";
export * from "./save_checkpoint.ts";
export * from "./half.ts";
export {
  type SafetensorsData,
  type SafetensorsDType,
  SafetensorsEntry,
  type SafetensorsInput,
} from "./safetensors_entry.ts";
export * from "./safetensors_parse.ts";
export {
  byAlignment,
  type DescribedTensor,
  serialiseHeader,
  type SerialiseOptions,
  serialiseSafetensors,
} from "./safetensors_serialise.ts";
export * from "./safetensors.ts";
export * from "./safetensors_open.ts";
export * from "./open_tensors.ts";
export { openTorch, type OpenTorchOptions } from "./torch/open_torch.ts";
export * from "./stored_tensor.ts";
export * from "./byte_source.ts";
export * from "./atomic_file.ts";

export * from "./init.ts";
export * as linear from "./linear.ts";
export * as conv2d from "./conv2d.ts";
export * as groupNorm from "./group_norm.ts";
export * as layerNorm from "./layer_norm.ts";
export * as embedding from "./embedding.ts";
export * as feedForward from "./feed_forward.ts";
export * as attention from "./attention.ts";
export * as timestepEmbedding from "./timestep_embedding.ts";
export type { LinearParams } from "./linear.ts";
export type { Conv2dOptions, Conv2dParams } from "./conv2d.ts";
export type { GroupNormParams } from "./group_norm.ts";
export type { LayerNormParams } from "./layer_norm.ts";
export type { EmbeddingParams } from "./embedding.ts";
export type { FeedForwardActivation, FeedForwardOptions, FeedForwardParams } from "./feed_forward.ts";
export type { AttentionInputs, AttentionOptions, AttentionParams } from "./attention.ts";
export type { TimestepEmbeddingParams } from "./timestep_embedding.ts";

export type { DecayPredicate, Optimiser, Update, UpdateOptions } from "./optimiser.ts";
export * from "./adamw.ts";
export * from "./sgd.ts";
export * from "./ema.ts";
export {
  type ConstantEmaRule,
  type DiffusersEmaRule,
  emaDecay,
  type EmaRule,
  type HalfLifeEmaRule,
} from "./ema_rule.ts";
export * from "./clip.ts";
export * from "./accumulate.ts";
export * from "./lr_schedule.ts";
export { initLora, type LoraConfig, mergeLora, withLora } from "./lora.ts";
export { type LoadedLora, loadLora, saveLora } from "./lora_files.ts";
export { matchesTarget, targetExpression } from "./lora_targets.ts";
export { computeParams, type Precision } from "./precision.ts";
export { type GradScaler, gradScaler, type GradScalerOptions, type GradScalerState } from "./grad_scaler.ts";
