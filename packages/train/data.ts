/** What training asks of a data set; a data module provides it. */
import type { Vocabulary } from "./vocabulary.ts";

/** Which prompts: those to train on, those held out, or all. */
export type DataSplit = "train" | "heldOut" | "all";

/** What batches to draw. */
export interface BatchRequest {
  /** Items in a batch. */
  readonly batchSize: number;
  /** Seed of the order. */
  readonly seed: number;
  /** Which prompts; "train" unless told. */
  readonly split?: DataSplit;
  /** The words, where a checkpoint brings its own. */
  readonly vocabulary?: Vocabulary;
}

/** Images `[B, 3, size, size]` in [0, 1] with their prompts `[B, L]`. */
export interface ImageTextBatch {
  /** Row-major pixels. */
  readonly images: Float32Array;
  /** Token ids. */
  readonly ids: Int32Array;
}

/** Pairs of images of the same prompts, the better one known. */
export interface PairBatch {
  /** The better images, `[B, 3, size, size]` in [0, 1]. */
  readonly preferred: Float32Array;
  /** The others. */
  readonly rejected: Float32Array;
  /** Token ids `[B, L]`. */
  readonly ids: Int32Array;
}

/**
 * Images with prompts, drawn as pure functions of a seed and a step: there is
 * no iterator whose state a checkpoint would have to hold.
 *
 * A module with a function `loadTrainingData(options)` that returns one is a
 * data set: name it as `data.module` in a configuration; the other keys of
 * `data` are the options.
 */
export interface ImageTextData {
  /** Where the data comes from and under which licence, for the cards. */
  readonly source: string;
  /** Side of an image in pixels. */
  readonly size: number;
  /** All prompts. */
  readonly prompts: readonly string[];
  /** Indices of the prompts to train on. */
  readonly train: readonly number[];
  /** Indices of the prompts held out. */
  readonly heldOut: readonly number[];
  /** The words of the prompts. */
  readonly vocabulary: Vocabulary;
  /** Images with prompts; a part of the prompts is replaced by the null prompt. */
  imageBatches(
    request: BatchRequest & { nullProbability?: number },
  ): (step: number) => ImageTextBatch;
  /** Prompts alone. */
  promptBatches(request: BatchRequest): (step: number) => { ids: Int32Array };
  /** Preference pairs. */
  pairBatches(request: BatchRequest): (step: number) => PairBatch;
  /** All images of some prompts, as `[N, 3, size, size]` in [0, 1]. */
  images(prompts: readonly number[]): Float32Array;
  /** The preference pairs of some prompts, in their order. */
  pairs(
    prompts: readonly number[],
  ): { preferred: Float32Array; rejected: Float32Array };
}

/** The function that a data module exports. */
export type LoadTrainingData = (
  options: Readonly<Record<string, unknown>>,
) => Promise<ImageTextData>;
