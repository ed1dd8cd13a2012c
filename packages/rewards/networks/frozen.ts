import { loadParams, type Params, realizeParams, type SafetensorsEntry } from "@dipp/nn";
import { placeholder, type Tensor, treeMap, zeros } from "@dipp/tensor";
import { fromOpenClip, isOpenClip } from "./open_clip.ts";

/** How weights are stored on the device; whatever it is, arithmetic is in f32. */
export type WeightDType = "f32" | "f16" | "bf16";

/** A checkpoint's tensors; or `"shapes"`, for a reward that is planned without any: its parameters have no elements. */
export type RewardWeights = ReadonlyMap<string, SafetensorsEntry> | "shapes";

/** Tables that are looked up where they lie. */
const TABLE = /(token_embedding|word_embeddings)\.weight$/;

/**
 * Loads weights that will not be trained. Matrices are kept in `dtype`, vectors in f32.
 *
 * @param template a network's `init(key)`
 * @param tensors the checkpoint, with the names of the template; one of open_clip is translated
 * @param options element type of the matrices, and names that may be left over
 * @returns the parameters, computed
 * @throws {RangeError} listing what is missing, unexpected or of another shape
 */
export async function loadFrozen<P extends Params>(
  template: P,
  tensors: RewardWeights,
  options: { readonly dtype?: WeightDType; readonly ignore?: RegExp } = {},
): Promise<P> {
  const { dtype = "f32", ignore } = options;
  const make = tensors === "shapes" ? placeholder : zeros;
  const typed = treeMap<Tensor, Tensor>(template, (p) => make(p.shape, p.ndim > 1 ? dtype : "f32")) as P;
  if (tensors === "shapes") return typed;
  const named = isOpenClip(tensors) ? fromOpenClip(tensors) : tensors;
  return await realizeParams(loadParams(typed, named, { ignore }));
}

/**
 * Parameters to compute with: 16-bit ones are read as f32, so that no activation is rounded and no gradient of a pixel
 * (1e-6 is usual, 6e-8 the smallest number of f16) vanishes.
 *
 * @param params what {@linkcode loadFrozen} gave
 * @returns the same values, as expressions
 */
export function widened<P extends Params>(params: P): P {
  return treeMap<Tensor, Tensor>(params, (p, path) => TABLE.test(path) ? p : p.cast("f32")) as P;
}
