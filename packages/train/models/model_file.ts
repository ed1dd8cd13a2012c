/** Small checkpoints for use, not for resuming: parameters, what they are of, and where they come from. */
import { paramsToSafetensors, readSafetensors, type SafetensorsEntry, writeSafetensors } from "@dipp/nn";
import type { Params } from "@dipp/nn";
import { Vocabulary, type VocabularyData } from "../vocabulary.ts";
import { writeCard } from "./card.ts";

/** What a checkpoint is of. */
export type ModelKind = "teacher" | "generator" | "fake" | "clip" | "preference";

/** How a checkpoint came about. */
export interface Provenance {
  /** The command line. */
  readonly command: string;
  /** The seed. */
  readonly seed: number;
  /** Steps done. */
  readonly steps: number;
  /** The adapter, in words. */
  readonly hardware: string;
  /** Day of the export, ISO 8601. */
  readonly date: string;
  /** Where the data is from, with licences. */
  readonly data: string;
  /** What was measured, by name. */
  readonly results: Readonly<Record<string, unknown>>;
}

/** Everything about a checkpoint but its tensors. */
export interface ModelDescription {
  /** What it is. */
  readonly kind: ModelKind;
  /** The network's configuration. */
  readonly model: unknown;
  /** How its output is read, for score networks. */
  readonly parameterisation?: unknown;
  /** The noise level that a one-step generator is evaluated at. */
  readonly sigma_init?: number;
  /** The words. */
  readonly vocabulary: VocabularyData;
  /** Side of an image in pixels. */
  readonly image_size: number;
  /** How it came about. */
  readonly provenance: Provenance;
}

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
