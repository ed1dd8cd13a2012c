/** A number about images that can be computed of any choice of their prompts. */
import type { JudgeFacts } from "./judges.ts";

/** What a number must say so that another can be compared with it. */
export interface Hygiene extends JudgeFacts {
  /** What was done to the images before the model saw them. */
  readonly preprocessing: string;
  /** What is computed of the model's output, where its name leaves a choice. */
  readonly definition?: string;
  /** What the images are compared with, where there is something. */
  readonly reference?: string;
}

/** One number, its parts, and where it comes from. */
export interface Measurement {
  /** Name, as in `--metrics`, or a part of it. */
  readonly name: string;
  /** Name for people. */
  readonly label: string;
  /** Which way is better. */
  readonly better: "higher" | "lower";
  /** Where it comes from. */
  readonly hygiene: Hygiene;
  /** How many images count. */
  readonly count: number;
  /** A score of each image, where the number is their mean over prompts. */
  readonly perImage?: readonly number[];
  /** Whether it is a number of the whole set, which is slow to compute again and again. */
  readonly isOfSet?: boolean;
  /** Groups of prompts that its jackknife leaves out; 20 unless told. */
  readonly groups?: number;
  /** For the reward of a style: spread of the means of ten chunks of its images. */
  readonly chunkStd?: number;
  /** The number of a choice of prompts, with repetitions, by their places in the grouping. */
  statistic(prompts: readonly number[]): number;
}

/** The images of each prompt: places of images, prompt by prompt. */
export type PromptGroups = readonly (readonly number[])[];

/**
 * The mean over prompts of the means over their images.
 *
 * @param scores A score of each image.
 * @param groups The images of each prompt.
 * @returns A statistic.
 */
export function meanOverPrompts(scores: ArrayLike<number>, groups: PromptGroups): Measurement["statistic"] {
  const means = groups.map((images) => images.reduce((sum, i) => sum + scores[i], 0) / images.length);
  return (prompts) => prompts.reduce((sum, p) => sum + means[p], 0) / prompts.length;
}

/**
 * A number, or several, of the features of all images of the chosen prompts; each choice is computed once.
 *
 * @param rows Features of each image.
 * @param groups The images of each prompt.
 * @param measure The number.
 * @returns A statistic.
 */
export function ofRows<T>(
  rows: readonly Float64Array[],
  groups: PromptGroups,
  measure: (rows: readonly Float64Array[]) => T,
): (prompts: readonly number[]) => T {
  // The bootstrap asks for the same choices again for every number, and for the difference of two runs
  const known = new Map<string, T>();
  return (prompts) => {
    const choice = prompts.join();
    let found = known.get(choice);
    if (found === undefined) known.set(choice, found = measure(prompts.flatMap((p) => groups[p].map((i) => rows[i]))));
    return found;
  };
}
