import type { Tensor } from "@dipp/tensor";
import type { Prompts } from "@dipp/rewards";

/** Something that maps images to feature vectors. */
export interface ImageFeatures {
  /** Features of images `[B, 3, H, W]` in [0, 1]: `[B, D]`. */
  imageFeatures(images: Tensor): Tensor;
}

/** Something that maps images and prompts to one feature space, as vectors of unit length. */
export interface ImageTextFeatures extends ImageFeatures {
  /** Features of prompts: `[B, D]`. */
  textFeatures(prompts: Prompts): Tensor;
}

/**
 * The pixels themselves as features, divided by the root of their number, so that a Euclidean distance is the root mean
 * square difference of two images.
 *
 * @returns the features
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pixelFeatures } from "@dipp/metrics";
 * import { ones } from "@dipp/tensor";
 *
 * assertEquals(pixelFeatures().imageFeatures(ones([2, 3, 8, 8])).shape, [2, 192]);
 * ```
 */
export function pixelFeatures(): ImageFeatures {
  return {
    imageFeatures(images) {
      const flat = images.flatten(1);
      return flat.div(Math.sqrt(flat.shape[1]));
    },
  };
}

/**
 * Lets several metrics share one encoder: a batch that was encoded before is not encoded again. Batches are told apart
 * by the identity of their tensor, and forgotten with it.
 *
 * @param features the encoder
 * @returns the same features, remembered
 */
export function sharedFeatures<F extends ImageFeatures>(features: F): F {
  const known = new WeakMap<Tensor, Tensor>();
  return Object.assign(Object.create(features), {
    imageFeatures(images: Tensor): Tensor {
      let found = known.get(images);
      if (!found) known.set(images, found = features.imageFeatures(images));
      return found;
    },
  });
}

/**
 * Feature vectors on the host.
 *
 * @param features `[B, D]`
 * @returns B vectors, checked to be finite
 * @throws {RangeError} when a feature is not finite
 */
export async function featureRows(features: Tensor): Promise<Float64Array[]> {
  const [batch, dim] = features.shape;
  const data = await (await features.realize()).data();
  return Array.from({ length: batch }, (_, b) => {
    const row = Float64Array.from(data.subarray(b * dim, (b + 1) * dim));
    const at = row.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) throw new RangeError(`Feature ${at} of image ${b} is ${row[at]}`);
    return row;
  });
}
