/**
 * Parameter trees to and from safetensors.
 *
 * @module
 */

import { type DType, type Tensor, tensor, treeEntries, treeMap } from "@dipp/tensor";
import { checkpointReport, type ReportOptions, reportText } from "./checkpoint_report.ts";
import { type Params, realizeParams } from "./params.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { SafetensorsDType, SafetensorsEntry, SafetensorsInput } from "./safetensors_entry.ts";
import type { WriteSafetensorsOptions } from "./safetensors.ts";

/** How {@linkcode loadParams} treats a checkpoint. */
export interface LoadOptions extends ReportOptions {
  /**
   * Whether a parameter without a tensor and a tensor without a parameter are
   * errors. Default true. When false, a parameter without a tensor keeps the
   * template's value. Another shape is always an error.
   */
  readonly strict?: boolean;
  /** Element type of the floating-point parameters; default the template's. */
  readonly dtype?: "f32" | "f16" | "bf16";
}

const STORED: Readonly<Record<DType, SafetensorsDType>> = {
  f32: "F32",
  f16: "F16",
  bf16: "BF16",
  i32: "I32",
  u32: "U32",
  bool: "BOOL",
};

/**
 * Fills a tree with the tensors of a checkpoint.
 *
 * @param template a tree with the wanted structure and shapes, usually a
 * network's `init(key)`; its values need not be computed
 * @param tensors the tensors by name, from `readSafetensors`
 * @param options see {@linkcode LoadOptions}
 * @returns a new tree with the checkpoint's values
 * @throws {RangeError} listing what is missing, unexpected or of another shape
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadParams, parseSafetensors, serialiseSafetensors } from "@dipp/nn";
 * import { init, type Tensor, zeros } from "@dipp/tensor";
 *
 * await init();
 * const bytes = serialiseSafetensors({
 *   "fc.bias": { dtype: "F16", shape: [2], data: new Float32Array([1, 2]) },
 * });
 * const template = { fc: { bias: zeros([2]) } };
 * const params = loadParams(template, parseSafetensors(bytes).tensors);
 * assertEquals(await params.fc.bias.data(), new Float32Array([1, 2]));
 * ```
 */
export function loadParams<P extends Params>(
  template: P,
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  options: LoadOptions = {},
): P {
  const { strict = true, prefix = "" } = options;
  const report = checkpointReport(template, tensors, options);
  const problems = reportText(report, strict ? [] : ["missing", "unexpected"]);
  if (problems !== "") throw new RangeError(`Cannot load parameters: ${problems}`);
  return treeMap<Tensor, Tensor>(template, (leaf, path) => {
    const entry = tensors.get(prefix + path);
    return entry ? toTensor(entry, leaf.dtype, options.dtype) : leaf;
  }) as P;
}

/**
 * Saves a tree of parameters or of optimiser state as a safetensors file,
 * written atomically. Without `dtype` every element keeps its exact bits.
 *
 * @param path where to write
 * @param params the tree
 * @param metadata strings to be stored beside it
 * @param options see {@linkcode WriteSafetensorsOptions}
 */
export async function saveParams(
  path: string,
  params: Params,
  metadata: Readonly<Record<string, string>> = {},
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  await writeSafetensors(
    path,
    await paramsToSafetensors(params),
    metadata,
    options,
  );
}

/**
 * Reads a tree's values for writing them, alone or beside other trees.
 *
 * @param params the tree
 * @param prefix what goes before the names, for instance `ema.`
 * @returns the tensors by name, as `writeSafetensors` takes them
 */
export async function paramsToSafetensors(
  params: Params,
  prefix = "",
): Promise<Map<string, SafetensorsInput>> {
  await realizeParams(params);
  const entries = treeEntries<Tensor>(params);
  // Asked for together, the readbacks share one wait.
  const values = await Promise.all(entries.map(([, leaf]) => leaf.data()));
  return new Map(entries.map(([name, leaf], i) => [prefix + name, {
    dtype: STORED[leaf.dtype],
    shape: leaf.shape,
    data: values[i],
  }]));
}

function toTensor(
  entry: SafetensorsEntry,
  templateDtype: DType,
  floatDtype: LoadOptions["dtype"],
): Tensor {
  const shape = [...entry.shape];
  switch (templateDtype) {
    case "i32":
      return tensor(Int32Array.from(entry.data, Number), shape, "i32");
    case "u32":
      return tensor(Uint32Array.from(entry.data, Number), shape, "u32");
    case "bool":
      return tensor(Uint8Array.from(entry.data, Number), shape, "bool");
    default:
      return tensor(entry.toFloat32(), shape, floatDtype ?? templateDtype);
  }
}
