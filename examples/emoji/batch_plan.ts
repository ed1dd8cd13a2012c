/**
 * The order in which batches are drawn: without replacement, each epoch a permutation of the split. A batch may reach
 * from one epoch into the next, so batches always have the same shape.
 */
import { permutation, randomUniform } from "./counter_random.ts";
import type { EmojiDataset } from "./dataset.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Which names batches are drawn from. */
export type Split = "train" | "heldOut" | "all";

/** What all kinds of batches share. */
export interface BatchOptions {
  /** Items in a batch. */
  batchSize: number;
  /** Seed of the order. */
  seed: number;
  /** Which names; "train" unless told. */
  split?: Split;
  /** The words; the data set's own unless told (a checkpoint's, for a model that was trained before). */
  vocabulary?: Vocabulary;
  /**
   * Mirror half of the drawings at random; false unless told. Only faces, animals, plants and food are: a mirrored
   * flag, clock or letter is another one, and so is "left-pointing".
   */
  mirror?: boolean;
}

const MIRRORED = new Set([
  "Smileys & Emotion",
  "Animals & Nature",
  "Food & Drink",
]);

// Independent random streams of one seed.
const ORDER = 0, MIRROR = 1;

/** The stream that decides which prompts are replaced by the null prompt. */
export const NULL_PROMPT = 2;

/** The indices of a split. */
export function splitIndices(
  data: EmojiDataset,
  split: Split,
): readonly number[] {
  if (split === "all") return data.emoji.map((_, i) => i);
  return split === "train" ? data.train : data.heldOut;
}

/** Item number `position` of the endless sequence of permuted epochs. Only the last epoch's order is remembered. */
export function epochs(
  length: number,
  seed: number,
): (position: number) => number {
  let epoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  return (position) => {
    const wanted = Math.floor(position / length);
    if (wanted !== epoch) {
      order = permutation(length, seed, ORDER, wanted);
      epoch = wanted;
    }
    return order[position % length];
  };
}

/** Batch options with the defaults filled in, and what is derived from them. */
export interface BatchPlan {
  /** Items in a batch. */
  batchSize: number;
  /** Seed of the order. */
  seed: number;
  /** The words. */
  vocabulary: Vocabulary;
  /** Names of the split, as indices into the data set. */
  indices: readonly number[];
  /** The encoded prompt of every name of the data set. */
  prompts: readonly Int32Array[];
  /** Whether a name's drawing is mirrored as a certain item of a step. */
  isMirrored: (name: number, step: number, item: number) => boolean;
}

/**
 * Checks batch options and encodes the prompts, once.
 *
 * @throws {RangeError} If the batch size or the seed is no such number, or the split is empty.
 */
export function planBatches(
  data: EmojiDataset,
  options: BatchOptions,
): BatchPlan {
  const {
    batchSize,
    seed,
    split = "train",
    vocabulary = data.vocabulary,
    mirror = false,
  } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Batch size is ${batchSize}, expected a positive integer`,
    );
  }
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Batch seed is ${seed}, expected an integer`);
  }
  const indices = splitIndices(data, split);
  if (indices.length === 0) {
    throw new RangeError(
      `Split "${split}" is empty, expected at least one name`,
    );
  }
  const prompts = data.names.map((name) => vocabulary.encode(name));
  const isMirrored = (name: number, step: number, item: number) =>
    mirror && MIRRORED.has(data.emoji[name].category) &&
    randomUniform(seed, MIRROR, step, item) < 0.5;
  return { batchSize, seed, vocabulary, indices, prompts, isMirrored };
}

/** @throws {RangeError} If the step is not a number that counts from 0. */
export function checkStep(step: number): void {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new RangeError(`Batch step is ${step}, expected 0, 1, 2, ...`);
  }
}
