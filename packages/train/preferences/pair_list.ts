/** Compared pairs of images, wherever they come from. */
import type { ImageTextData } from "../data.ts";

/** One compared pair, by the numbers of its images and its prompt. */
export interface Pair {
  /** The preferred image; of a tie, one of the two. */
  readonly chosen: number;
  /** The other one. */
  readonly rejected: number;
  /** The prompt. */
  readonly prompt: number;
  /** Whether neither is preferred. */
  readonly isTie: boolean;
}

/** Pairs with their images and prompts, each of which is there once. */
export interface PairList {
  /** Where the data comes from and under which licence, for the cards. */
  readonly source: string;
  /** All prompts. */
  readonly prompts: readonly string[];
  /** Number of images. */
  readonly images: number;
  /** Pairs to learn from. */
  readonly train: readonly Pair[];
  /** Pairs to measure on. */
  readonly heldOut: readonly Pair[];
  /**
   * Reads an image as a square.
   *
   * @param image Its number.
   * @param size Side of the square in pixels.
   * @returns `[3, size, size]` in [0, 1], row-major.
   */
  pixels(image: number, size: number): Promise<Float32Array>;
}

/** How a pair ended: how likely the first of its images is the preferred one. */
export function targetOf({ isTie }: Pair): number {
  return isTie ? 0.5 : 1;
}

/**
 * The pairs of a data set that has one for each prompt.
 *
 * @param data The data set.
 * @returns Its pairs; images are of the data's own size.
 */
export function pairsOfData(data: ImageTextData): PairList {
  const pair = (prompt: number): Pair => ({ chosen: 2 * prompt, rejected: 2 * prompt + 1, prompt, isTie: false });
  return {
    source: data.source,
    prompts: data.prompts,
    images: 2 * data.prompts.length,
    train: data.train.map(pair),
    heldOut: data.heldOut.map(pair),
    pixels(image) {
      const { preferred, rejected } = data.pairs([Math.floor(image / 2)]);
      return Promise.resolve(image % 2 === 0 ? preferred : rejected);
    },
  };
}
