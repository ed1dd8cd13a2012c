/** What a checkpoint says of itself, beside its tensors. */
import type { VocabularyData } from "../vocabulary.ts";

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
