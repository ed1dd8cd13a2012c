/**
 * ONNX models as lazy, differentiable functions of tensors: {@linkcode loadOnnx} reads a file, `run` gives its outputs
 * as graph of `@dipp/tensor`, so that gradients flow through it to its inputs and parameters.
 *
 * @example What a file is about
 * ```ts ignore
 * import { loadOnnx } from "@dipp/onnx";
 *
 * const model = await loadOnnx("classifier.onnx");
 * console.log(model.inputs, model.outputs, model.operators);
 * ```
 *
 * @module
 */
export { loadOnnx, type LoadOptions } from "./load.ts";
export type { OnnxModel, TracedNode } from "./model.ts";
export { folderReader, type ReadExternal } from "./external_data.ts";
export {
  type OnnxAttribute,
  type OnnxGraphSource,
  type OnnxModelSource,
  type OnnxNodeSource,
  writeOnnx,
} from "./write.ts";
export type { HostArray } from "./tensor_data.ts";
export type { OnnxValueInfo } from "./graph.ts";
export type { ElementType } from "./element_type.ts";
