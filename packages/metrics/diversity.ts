import type { Tensor } from "@dipp/tensor";
import { promptKeys, type Prompts } from "@dipp/rewards";
import { featureRows, type ImageFeatures } from "./features.ts";
import type { MergeableMetric } from "./metric.ts";

/** What {@linkcode Diversity} keeps: the features seen under each prompt. */
export interface DiversityState {
  /** Prompt and features of its images. */
  groups: [prompt: string, features: number[][]][];
}

/**
 * Within-prompt diversity: the mean Euclidean distance between the features of two images of one prompt, mean over
 * prompts. It falls to 0 when a generator gives every prompt one image, which no mean reward shows. With
 * {@linkcode pixelFeatures} it is the root mean square difference of the pixels.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Diversity, pixelFeatures } from "@dipp/metrics";
 * import { cat, ones, tensor, zeros } from "@dipp/tensor";
 *
 * const metric = new Diversity(pixelFeatures());
 * const ids = tensor([[1], [1]], [2, 1], "i32");
 * await metric.update(cat([zeros([1, 3, 4, 4]), ones([1, 3, 4, 4])], 0), { ids });
 * assertEquals(Math.round(await metric.compute() * 1e6), 1e6);
 * ```
 */
export class Diversity implements MergeableMetric<DiversityState> {
  /** What it is called in a report. */
  readonly name: string;
  readonly #features: ImageFeatures;
  readonly #groups: Map<string, Float64Array[]> = new Map();

  /**
   * Measures in a feature space.
   *
   * @param features the feature space
   * @param name what to call it in a report
   */
  constructor(features: ImageFeatures, name = "diversity") {
    this.#features = features;
    this.name = name;
  }

  /** See {@linkcode Metric}. */
  async update(images: Tensor, prompts: Prompts): Promise<void> {
    const keys = await promptKeys(prompts);
    const rows = await featureRows(this.#features.imageFeatures(images));
    rows.forEach((row, b) => this.#group(keys[b]).push(row));
  }

  /** The mean over prompts with two images at least; NaN when there is none. */
  compute(): Promise<number> {
    const means = [...this.#groups.values()].filter((rows) => rows.length > 1).map(meanPairwiseDistance);
    return Promise.resolve(means.reduce((a, b) => a + b, 0) / means.length);
  }

  /** See {@linkcode MergeableMetric}. */
  state(): DiversityState {
    return { groups: [...this.#groups].map(([key, rows]) => [key, rows.map((row) => [...row])]) };
  }

  /** See {@linkcode MergeableMetric}. */
  merge(state: DiversityState): void {
    for (const [key, rows] of state.groups) {
      this.#group(key).push(...rows.map((row) => Float64Array.from(row)));
    }
  }

  #group(key: string): Float64Array[] {
    let rows = this.#groups.get(key);
    if (!rows) this.#groups.set(key, rows = []);
    return rows;
  }
}

function meanPairwiseDistance(rows: readonly Float64Array[]): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < i; j++) {
      sum += Math.sqrt(rows[i].reduce((s, x, k) => s + (x - rows[j][k]) ** 2, 0));
    }
  }
  return sum / (rows.length * (rows.length - 1) / 2);
}
