import type { Tensor } from "@dipp/tensor";
import { promptKeys, type Prompts, type Reward } from "@dipp/rewards";
import type { MergeableMetric } from "./metric.ts";

/** What {@linkcode StyledReward} keeps: the scores of each style, with the place of their prompt in the list. */
export interface StyledRewardState {
  /** Style, and pairs of the prompt's place and its score. */
  readonly styles: readonly (readonly [style: string, scores: readonly (readonly [at: number, score: number])[]])[];
}

/** Settings of {@linkcode StyledReward}. */
export interface StyledRewardOptions {
  /** Parts that a style is cut into; 10 by default. */
  readonly chunks?: number;
  /** Factor on the scores; 100 by default, as HPSv2's tables print cosines. */
  readonly scale?: number;
  /** What to call it in a report. */
  readonly name?: string;
}

/**
 * A reward as the HPSv2 benchmark reports it (Wu et al. 2023; tgxs002/HPSv2, `evaluate`): the prompts of each style, in
 * their order, are cut into ten chunks; a style's number is the mean of the chunk means, its spread their population
 * standard deviation, and the last number the mean over styles. With 800 prompts a style that is ten chunks of 80.
 *
 * Batches may come in any order: chunks follow the order of the prompts, not that of the updates.
 *
 * @example Two styles, two chunks each
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { StyledReward } from "@dipp/metrics";
 * import { tensor } from "@dipp/tensor";
 *
 * const reward = { score: (images: ReturnType<typeof tensor>) => images.mean([1, 2, 3]) };
 * const styles = { anime: ["a", "b"], photo: ["c", "d"] };
 * const metric = new StyledReward(reward, styles, { chunks: 2, scale: 1 });
 * const texts = ["d", "c", "b", "a"];
 * await metric.update(tensor([4, 2, 3, 1], [4, 1, 1, 1]), { ids: tensor([1, 1, 1, 1], [4, 1]), texts });
 * assertEquals(await metric.compute(), { anime: 2, anime_std: 1, photo: 3, photo_std: 1, average: 2.5, count: 4 });
 * ```
 */
export class StyledReward implements MergeableMetric<StyledRewardState> {
  /** What it is called in a report. */
  readonly name: string;
  readonly #reward: Reward;
  readonly #chunks: number;
  readonly #scale: number;
  readonly #places: ReadonlyMap<string, readonly [style: string, at: number]>;
  readonly #scores: Map<string, [at: number, score: number][]>;

  /**
   * Prepares the styles.
   *
   * @param reward what to average
   * @param styles the prompts of each style, in the benchmark's order, no prompt in two styles
   * @param options chunks, factor, name
   * @throws {RangeError} when a prompt is in two styles, or there is no chunk
   */
  constructor(
    reward: Reward,
    styles: Readonly<Record<string, readonly string[]>>,
    { chunks = 10, scale = 100, name = "styled reward" }: StyledRewardOptions = {},
  ) {
    if (!Number.isInteger(chunks) || chunks < 1) throw new RangeError(`Chunks are ${chunks}, expected at least 1`);
    const places = new Map<string, readonly [string, number]>();
    for (const [style, prompts] of Object.entries(styles)) {
      for (const [at, prompt] of prompts.entries()) {
        const other = places.get(prompt)?.[0];
        if (other !== undefined && other !== style) {
          throw new RangeError(`Prompt "${prompt}" is in the styles ${other} and ${style}, expected one`);
        }
        if (other === undefined) places.set(prompt, [style, at]);
      }
    }
    this.#reward = reward;
    this.#chunks = chunks;
    this.#scale = scale;
    this.name = name;
    this.#places = places;
    this.#scores = new Map(Object.keys(styles).map((style) => [style, []]));
  }

  /** See {@linkcode Metric}. Throws a RangeError for a prompt of no style. */
  async update(images: Tensor, prompts: Prompts): Promise<void> {
    const places = (await promptKeys(prompts)).map((key) => {
      const place = this.#places.get(key);
      if (!place) throw new RangeError(`Prompt "${key}" is in no style of ${this.name}`);
      return place;
    });
    const scores = await this.#reward.score(images, prompts).data();
    if (scores.length !== places.length) {
      throw new RangeError(`${this.name} has ${scores.length} scores for ${places.length} images`);
    }
    places.forEach(([style, at], i) => this.#scores.get(style)!.push([at, scores[i]]));
  }

  /** Every style's mean of chunk means, `STYLE_std` their spread, the `average` of the styles, the `count` of images. */
  compute(): Promise<Record<string, number>> {
    const result: Record<string, number> = {};
    let sum = 0, count = 0;
    for (const [style, scores] of this.#scores) {
      const ordered = scores.toSorted(([a], [b]) => a - b).map(([, score]) => score * this.#scale);
      const { mean, std } = chunkMeans(ordered, this.#chunks);
      Object.assign(result, { [style]: mean, [`${style}_std`]: std });
      sum += mean;
      count += scores.length;
    }
    return Promise.resolve({ ...result, average: sum / this.#scores.size, count });
  }

  /** See {@linkcode MergeableMetric}. */
  state(): StyledRewardState {
    return { styles: [...this.#scores].map(([style, scores]) => [style, scores.map(([at, x]) => [at, x] as const)]) };
  }

  /** See {@linkcode MergeableMetric}. Throws a RangeError for a style that this metric has not. */
  merge(state: StyledRewardState): void {
    for (const [style, scores] of state.styles) {
      const own = this.#scores.get(style);
      if (!own) throw new RangeError(`Style "${style}" is not one of ${this.name}'s`);
      own.push(...scores.map(([at, x]): [number, number] => [at, x]));
    }
  }
}

/**
 * Mean of the means of equal chunks, and their spread.
 *
 * @param values numbers in their order
 * @param chunks how many chunks; the k-th begins at floor(k N / chunks)
 * @returns mean of the chunk means and their population standard deviation; NaN with fewer values than chunks
 */
export function chunkMeans(values: readonly number[], chunks: number): { mean: number; std: number } {
  const start = (k: number) => Math.floor(k * values.length / chunks);
  const means = Array.from({ length: chunks }, (_, k) => {
    const part = values.slice(start(k), start(k + 1));
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
  const mean = means.reduce((a, b) => a + b, 0) / chunks;
  return { mean, std: Math.sqrt(means.reduce((sum, x) => sum + (x - mean) ** 2, 0) / chunks) };
}
