import type { Tensor } from "@dipp/tensor";
import type { Prompts } from "@dipp/rewards";
import type { FeatureRows } from "./feature_rows.ts";
import { featureRows, type ImageFeatures } from "./features.ts";
import type { MergeableMetric } from "./metric.ts";

/** What {@linkcode SetMetric} keeps. */
export interface SetMetricState {
  /** Features of the images so far. */
  readonly rows: number[][];
}

/**
 * A number about a whole set of images, from the features of all of them: KID, CMMD, precision and recall, the Vendi
 * score, the inception score.
 *
 * @example Coverage of two real images
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pixelFeatures, SetMetric, vendiScore } from "@dipp/metrics";
 * import { tensor } from "@dipp/tensor";
 *
 * const metric = new SetMetric("vendi", pixelFeatures(), (rows) => vendiScore(rows));
 * const images = tensor([1, 0, 0, 0, 1, 0], [2, 3, 1, 1]);
 * await metric.update(images, { ids: tensor([[1], [2]], [2, 1], "i32") });
 * assertEquals(Math.round(await metric.compute() as number * 1e6), 2e6);
 * ```
 */
export class SetMetric implements MergeableMetric<SetMetricState> {
  /** What it is called in a report. */
  readonly name: string;
  readonly #features: ImageFeatures;
  readonly #measure: (rows: FeatureRows) => number | Record<string, number>;
  readonly #rows: Float64Array[] = [];

  /**
   * Measures a set.
   *
   * @param name what to call it in a report
   * @param features the feature space
   * @param measure the number, or several, of the features of all images; a reference set is part of it
   */
  constructor(
    name: string,
    features: ImageFeatures,
    measure: (rows: FeatureRows) => number | Record<string, number>,
  ) {
    this.name = name;
    this.#features = features;
    this.#measure = measure;
  }

  /** See {@linkcode Metric}. */
  async update(images: Tensor, _prompts: Prompts): Promise<void> {
    this.#rows.push(...await featureRows(this.#features.imageFeatures(images)));
  }

  /** See {@linkcode Metric}. */
  compute(): Promise<number | Record<string, number>> {
    return Promise.resolve(this.#rows).then(this.#measure);
  }

  /** See {@linkcode MergeableMetric}. */
  state(): SetMetricState {
    return { rows: this.#rows.map((row) => [...row]) };
  }

  /** See {@linkcode MergeableMetric}. */
  merge(state: SetMetricState): void {
    this.#rows.push(...state.rows.map((row) => Float64Array.from(row)));
  }
}
