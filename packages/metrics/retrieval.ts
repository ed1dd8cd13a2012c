import type { Tensor } from "@dipp/tensor";
import { promptKeys, type Prompts } from "@dipp/rewards";
import { featureRows, type ImageTextFeatures } from "./features.ts";
import type { MergeableMetric } from "./metric.ts";

/** What {@linkcode Retrieval} keeps: the rank of each image's own prompt. */
export interface RetrievalState {
  /** One rank an image, 1 is best; a half where prompts tie. */
  ranks: number[];
}

/**
 * Faithfulness as retrieval: how often an image's own prompt is among the k of a gallery that are nearest to it in a
 * joint feature space (R@k). Ties count half: with n other prompts as near, the rank is 1 + n / 2, so that a model that
 * cannot tell prompts apart scores like chance and not like perfection.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Retrieval } from "@dipp/metrics";
 * import { tensor } from "@dipp/tensor";
 *
 * // a "model" in which images are their own features and prompts are axes
 * const features = {
 *   imageFeatures: (images: typeof axes) => images.flatten(1),
 *   textFeatures: () => axes,
 * };
 * const axes = tensor([[1, 0], [0, 1]]);
 * const gallery = { ids: tensor([[1], [2]], [2, 1], "i32") };
 * const metric = new Retrieval(features, gallery, [1]);
 * await metric.update(axes.reshape([2, 2, 1, 1]), gallery);
 * assertEquals(await metric.compute(), { at_1: 1, count: 2 });
 * ```
 */
export class Retrieval implements MergeableMetric<RetrievalState> {
  /** What it is called in a report. */
  readonly name: string;
  readonly #features: ImageTextFeatures;
  readonly #gallery: Prompts;
  readonly #cutoffs: readonly number[];
  readonly #ranks: number[] = [];
  #index?: Promise<{ rows: Float64Array[]; at: Map<string, number> }>;

  /**
   * Prepares a gallery; it is encoded at the first update.
   *
   * @param features the joint feature space; vectors of unit length make the ranking one by cosine
   * @param gallery the prompts to choose among, without repetitions; either all prompts everywhere have texts or none
   * @param cutoffs the k of R@k
   * @param name what to call it in a report
   */
  constructor(
    features: ImageTextFeatures,
    gallery: Prompts,
    cutoffs: readonly number[] = [1, 5],
    name = "retrieval",
  ) {
    this.#features = features;
    this.#gallery = gallery;
    this.#cutoffs = cutoffs;
    this.name = name;
  }

  /** See {@linkcode Metric}. Throws a RangeError for a prompt that is not in the gallery. */
  async update(images: Tensor, prompts: Prompts): Promise<void> {
    const { rows: texts, at } = await (this.#index ??= this.#encodeGallery());
    const keys = await promptKeys(prompts);
    const rows = await featureRows(this.#features.imageFeatures(images));
    const ranks = rows.map((row, b) => {
      const own = at.get(keys[b]);
      if (own === undefined) throw new RangeError(`Prompt "${keys[b]}" is not in the gallery`);
      return rankOf(own, texts.map((text) => dot(row, text)));
    });
    this.#ranks.push(...ranks);
  }

  /** `at_K` for every cut-off, in [0, 1], and the `count` of images. */
  compute(): Promise<Record<string, number>> {
    const count = this.#ranks.length;
    const share = (k: number) => this.#ranks.filter((rank) => rank <= k).length / count;
    return Promise.resolve({ ...Object.fromEntries(this.#cutoffs.map((k) => [`at_${k}`, share(k)])), count });
  }

  /** See {@linkcode MergeableMetric}. */
  state(): RetrievalState {
    return { ranks: [...this.#ranks] };
  }

  /** See {@linkcode MergeableMetric}. */
  merge(state: RetrievalState): void {
    this.#ranks.push(...state.ranks);
  }

  async #encodeGallery(): Promise<{ rows: Float64Array[]; at: Map<string, number> }> {
    const keys = await promptKeys(this.#gallery);
    const at = new Map(keys.map((key, i) => [key, i]));
    if (at.size !== keys.length) throw new RangeError("The gallery of a retrieval metric repeats a prompt");
    return { rows: await featureRows(this.#features.textFeatures(this.#gallery)), at };
  }
}

function rankOf(own: number, scores: readonly number[]): number {
  let above = 0, equal = 0;
  scores.forEach((score, i) => {
    if (score > scores[own]) above++;
    else if (score === scores[own] && i !== own) equal++;
  });
  return 1 + above + equal / 2;
}

function dot(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) {
    throw new RangeError(`Image features have ${a.length} dimensions, prompt features ${b.length}`);
  }
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}
