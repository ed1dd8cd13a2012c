/** Small checkpoints for use, not for resuming: parameters, what they are of, and where they come from. */
import { paramsToSafetensors, readSafetensors, type SafetensorsEntry, writeSafetensors } from "@dipp/nn";
import type { Params } from "@dipp/nn";
import { Vocabulary } from "../vocabulary.ts";
import { writeCard } from "./card.ts";
import type { ModelDescription, ModelKind } from "./model_description.ts";

/** A checkpoint that was read. */
export interface ModelFile {
  /** Where it lies. */
  readonly path: string;
  /** What it says of itself. */
  readonly description: ModelDescription;
  /** Its words. */
  readonly vocabulary: Vocabulary;
  /** Its tensors by name. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
}

const KEY = "dipp.model";

/**
 * Writes a checkpoint in bf16, and a card beside it (`.md`).
 *
 * @param path Where, ending in `.safetensors`.
 * @param params The parameters.
 * @param description What they are of.
 */
export async function writeModel(path: string, params: Params, description: ModelDescription): Promise<void> {
  const metadata = { format: "pt", kind: description.kind, [KEY]: JSON.stringify(description) };
  const tensors = await paramsToSafetensors(params);
  await Deno.mkdir(path.slice(0, Math.max(path.lastIndexOf("/"), 0)) || ".", { recursive: true });
  await writeSafetensors(path, tensors, metadata, { dtype: "BF16" });
  await writeCard(path, description);
}

/**
 * Reads a checkpoint.
 *
 * @param path The file.
 * @param kinds What it may be of.
 * @returns Its tensors, undecoded, and what it says of itself.
 * @throws {TypeError} If it is no checkpoint of dipp's, or of another kind.
 * @throws {RangeError} If it is truncated or corrupted.
 */
export async function readModel(path: string, kinds: readonly ModelKind[]): Promise<ModelFile> {
  const { tensors, metadata } = await readSafetensors(path);
  if (metadata[KEY] === undefined) {
    throw new TypeError(`Checkpoint ${path} has no "${KEY}" in its metadata, expected one that dipp exported`);
  }
  const description = JSON.parse(metadata[KEY]) as ModelDescription;
  if (!kinds.includes(description.kind)) {
    throw new TypeError(`Checkpoint ${path} is of kind "${description.kind}", expected ${kinds.join(" or ")}`);
  }
  return { path, description, vocabulary: new Vocabulary(description.vocabulary), tensors };
}
