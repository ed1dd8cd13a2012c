/**
 * Batches of the emoji data, pure functions of a seed and a step: there is no iterator state to save, and a resumed
 * run draws what the uninterrupted one would have drawn.
 */
import { randomUniform } from "./counter_random.ts";
import { type BatchOptions, checkStep, epochs, NULL_PROMPT, planBatches } from "./batch_plan.ts";
import type { EmojiDataset } from "./dataset.ts";

/** Options of {@link imageBatches}. */
export interface ImageBatchOptions extends BatchOptions {
  /** Replace this part of the prompts by the null prompt, for classifier-free guidance; 0 unless told. */
  nullProbability?: number;
}

/** Drawings with their prompts. */
export interface EmojiBatch {
  /** `[batchSize, 3, size, size]` in [0, 1]. */
  images: Float32Array;
  /** Encoded prompts, `[batchSize, maxLength]`. */
  ids: Int32Array;
  /** Index of each item's name in the data set, `[batchSize]`. */
  names: Int32Array;
  /** Index of each item's vendor in the data set's `vendors`, `[batchSize]`. */
  vendors: Int32Array;
}

/** Prompts alone, for stages that need no drawings. */
export interface PromptBatch {
  /** Encoded prompts, `[batchSize, maxLength]`. */
  ids: Int32Array;
  /** Index of each prompt's name in the data set, `[batchSize]`. */
  names: Int32Array;
}

/**
 * Drawings and prompts: every drawing of the split, by every vendor, once an epoch.
 *
 * @param data The data set.
 * @param options Batch size, seed and split.
 * @returns A pure function from the step to its batch.
 * @throws {RangeError} If the batch size, the seed or the step is no such number, or the split is empty.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { imageBatches } from "./batches.ts";
 * import { loadEmoji } from "./dataset.ts";
 *
 * const data = await loadEmoji({ preset: "small" });
 * const batch = imageBatches(data, { batchSize: 4, seed: 1 });
 * assertEquals(batch(17), batch(17));
 * assertEquals(batch(0).images.length, 4 * 3 * 32 * 32);
 * ```
 */
export function imageBatches(
  data: EmojiDataset,
  options: ImageBatchOptions,
): (step: number) => EmojiBatch {
  const { batchSize, seed, vocabulary, indices, prompts, isMirrored } = planBatches(
    data,
    options,
  );
  const nullProbability = options.nullProbability ?? 0;
  if (!(nullProbability >= 0 && nullProbability <= 1)) {
    throw new RangeError(
      `Batch nullProbability is ${nullProbability}, expected 0 <= nullProbability <= 1`,
    );
  }
  const nullPrompt = vocabulary.nullPrompt(), vendorCount = data.vendors.length;
  const draw = epochs(indices.length * vendorCount, seed);
  return (step) => {
    checkStep(step);
    const images = new Float32Array(batchSize * data.imageLength);
    const ids = new Int32Array(batchSize * vocabulary.maxLength);
    const names = new Int32Array(batchSize),
      vendors = new Int32Array(batchSize);
    for (let i = 0; i < batchSize; i++) {
      const item = draw(step * batchSize + i);
      const name = indices[Math.floor(item / vendorCount)],
        vendor = item % vendorCount;
      names[i] = name;
      vendors[i] = vendor;
      data.copyImage(
        images,
        i * data.imageLength,
        name,
        data.vendors[vendor],
        isMirrored(name, step, i),
      );
      const dropped = nullProbability > 0 &&
        randomUniform(seed, NULL_PROMPT, step, i) < nullProbability;
      ids.set(dropped ? nullPrompt : prompts[name], i * vocabulary.maxLength);
    }
    return { images, ids, names, vendors };
  };
}

/**
 * Prompts without drawings: what distillation and alignment draw. Every name once an epoch.
 *
 * @param data The data set.
 * @param options Batch size, seed and split.
 * @returns A pure function from the step to its batch.
 * @throws {RangeError} If the batch size, the seed or the step is no such number, or the split is empty.
 */
export function promptBatches(
  data: EmojiDataset,
  options: Omit<BatchOptions, "mirror">,
): (step: number) => PromptBatch {
  const { batchSize, seed, vocabulary, indices, prompts } = planBatches(
    data,
    options,
  );
  const draw = epochs(indices.length, seed);
  return (step) => {
    checkStep(step);
    const ids = new Int32Array(batchSize * vocabulary.maxLength),
      names = new Int32Array(batchSize);
    for (let i = 0; i < batchSize; i++) {
      names[i] = indices[draw(step * batchSize + i)];
      ids.set(prompts[names[i]], i * vocabulary.maxLength);
    }
    return { ids, names };
  };
}
