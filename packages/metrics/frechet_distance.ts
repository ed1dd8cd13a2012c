import type { Tensor } from "@dipp/tensor";
import { featureRows, type ImageFeatures } from "./features.ts";
import { frechetDistance } from "./frechet.ts";
import { GaussianFit, type GaussianFitState } from "./gaussian_fit.ts";
import type { MergeableMetric } from "./metric.ts";

/**
 * The Frechet distance between generated and real images in a feature space.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { fitFeatures, FrechetDistance, pixelFeatures } from "@dipp/metrics";
 * import { key, tensor, uniform } from "@dipp/tensor";
 *
 * const real = uniform(key(0), [16, 3, 2, 2]);
 * const metric = new FrechetDistance(pixelFeatures(), await fitFeatures(pixelFeatures(), [real]));
 * await metric.update(real);
 * assert(await metric.compute() < 1e-6);
 * ```
 */
export class FrechetDistance implements MergeableMetric<GaussianFitState> {
  /** What it is called in a report. */
  readonly name: string;
  readonly #features: ImageFeatures;
  readonly #reference: GaussianFit;
  readonly #fit: GaussianFit;

  /**
   * Compares with a reference.
   *
   * @param features the feature space
   * @param reference the statistics of the real images, from {@linkcode fitFeatures}
   * @param name what to call it in a report
   */
  constructor(features: ImageFeatures, reference: GaussianFit, name = "frechet") {
    this.#features = features;
    this.#reference = reference;
    this.#fit = new GaussianFit(reference.dim);
    this.name = name;
  }

  /** See {@linkcode Metric}; the prompts do not matter. */
  async update(images: Tensor): Promise<void> {
    await addFeatures(this.#fit, this.#features.imageFeatures(images));
  }

  /** The distance; needs two images at least. */
  // deno-lint-ignore require-await -- so that too few images reject, not throw
  async compute(): Promise<number> {
    return frechetDistance(this.#reference, this.#fit).distance;
  }

  /** See {@linkcode MergeableMetric}. */
  state(): GaussianFitState {
    return this.#fit.state();
  }

  /** See {@linkcode MergeableMetric}. */
  merge(state: GaussianFitState): void {
    this.#fit.merge(GaussianFit.fromState(state));
  }
}

/**
 * Mean and covariance of the features of real images: the reference of a {@linkcode FrechetDistance}.
 *
 * @param features the feature space
 * @param batches images `[B, 3, H, W]` in [0, 1]
 * @returns the fit
 */
export async function fitFeatures(
  features: ImageFeatures,
  batches: Iterable<Tensor> | AsyncIterable<Tensor>,
): Promise<GaussianFit> {
  let fit: GaussianFit | undefined;
  for await (const images of batches) {
    const batch = features.imageFeatures(images);
    fit ??= new GaussianFit(batch.shape[1]);
    await addFeatures(fit, batch);
  }
  if (!fit) throw new RangeError("fitFeatures: expected at least one batch of images");
  return fit;
}

async function addFeatures(fit: GaussianFit, features: Tensor): Promise<void> {
  const rows = await featureRows(features);
  const flat = new Float64Array(features.size);
  rows.forEach((row, b) => flat.set(row, b * fit.dim));
  fit.update(flat);
}
