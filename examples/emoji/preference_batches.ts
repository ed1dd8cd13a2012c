/** Pairs of drawings to learn a preference from. */
import { type BatchOptions, checkStep, epochs, planBatches } from "./batch_plan.ts";
import type { EmojiDataset } from "./dataset.ts";
import type { Vendor } from "./drawings.ts";

/** Pairs of drawings of the same names, the better one known. */
export interface PreferenceBatch {
  /** The preferred vendor's drawings, `[batchSize, 3, size, size]` in [0, 1]. */
  preferred: Float32Array;
  /** The other vendor's drawings of the same names. */
  rejected: Float32Array;
  /** Encoded prompts, `[batchSize, maxLength]`. */
  ids: Int32Array;
  /** Index of each pair's name in the data set, `[batchSize]`. */
  names: Int32Array;
}

/**
 * Preference pairs: the same name drawn by both vendors, one of which is preferred. Every name once an epoch. Where
 * drawings are mirrored, both of a pair are.
 *
 * @param data The data set; it holds both vendors' drawings whatever its `vendors` are.
 * @param options Batch size, seed and split; `preferred` is "twitter" unless told: Twemoji's flat style.
 * @returns A pure function from the step to its batch.
 * @throws {RangeError} If the batch size, the seed or the step is no such number, or the split is empty.
 */
export function preferenceBatches(
  data: EmojiDataset,
  options: BatchOptions & { preferred?: Vendor },
): (step: number) => PreferenceBatch {
  const { batchSize, seed, vocabulary, indices, prompts, isMirrored } = planBatches(
    data,
    options,
  );
  const winner = options.preferred ?? "twitter",
    loser: Vendor = winner === "twitter" ? "google" : "twitter";
  const draw = epochs(indices.length, seed);
  return (step) => {
    checkStep(step);
    const preferred = new Float32Array(batchSize * data.imageLength),
      rejected = new Float32Array(preferred.length);
    const ids = new Int32Array(batchSize * vocabulary.maxLength),
      names = new Int32Array(batchSize);
    for (let i = 0; i < batchSize; i++) {
      const name = indices[draw(step * batchSize + i)],
        mirrored = isMirrored(name, step, i);
      names[i] = name;
      data.copyImage(preferred, i * data.imageLength, name, winner, mirrored);
      data.copyImage(rejected, i * data.imageLength, name, loser, mirrored);
      ids.set(prompts[name], i * vocabulary.maxLength);
    }
    return { preferred, rejected, ids, names };
  };
}
