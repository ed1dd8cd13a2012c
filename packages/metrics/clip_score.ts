import { dot, type FeatureRows, requireRows, unitRows } from "./feature_rows.ts";

/**
 * Cosine of each image with its text.
 *
 * @param images image embeddings
 * @param texts text embeddings, in the same order
 * @returns one cosine a pair
 * @throws {RangeError} when there is no pair, or the sets differ in size
 */
export function pairCosines(images: FeatureRows, texts: FeatureRows): Float64Array {
  requireRows("CLIPScore", 1, images, texts);
  if (images.length !== texts.length) {
    throw new RangeError(
      `Cannot compute CLIPScore of ${images.length} images and ${texts.length} texts: expected pairs`,
    );
  }
  const b = unitRows(texts);
  return Float64Array.from(unitRows(images), (row, i) => dot(row, b[i]));
}

/**
 * CLIPScore of pairs of an image and a text: weight * max(cosine, 0). Hessel et al. (2021, equation 1) take the weight
 * 2.5, torchmetrics and most papers 100, and torchmetrics clamps the mean rather than each pair.
 *
 * @param images image embeddings
 * @param texts text embeddings, in the same order
 * @param weight factor on the cosine; 100 by default
 * @returns one score a pair
 * @throws {RangeError} when there is no pair, or the sets differ in size
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { clipScores } from "@dipp/metrics";
 *
 * assertEquals([...clipScores([[2, 0], [0, 1]], [[1, 0], [0, -1]], 2.5)], [2.5, 0]);
 * ```
 */
export function clipScores(images: FeatureRows, texts: FeatureRows, weight = 100): Float64Array {
  return pairCosines(images, texts).map((cosine) => weight * Math.max(0, cosine));
}
