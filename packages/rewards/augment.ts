import { arange, fold, randint, randn, type Tensor, uniform, where } from "@dipp/tensor";
import type { Reward } from "./reward.ts";

/** What {@linkcode augment} does to an image, each drawn independently for every image. */
export interface AugmentOptions {
  /** Largest shift in pixels, up, down, left and right; the border is repeated. Default 0. */
  readonly shift?: number;
  /** Mirror half of the images. Default false. */
  readonly flip?: boolean;
  /** Largest brightness offset, drawn from U(-b, b). Default 0. */
  readonly brightness?: number;
  /** Largest contrast change: images are scaled about mid-grey by 1 + U(-c, c). Default 0. */
  readonly contrast?: number;
  /** Standard deviation of added Gaussian noise. Default 0. */
  readonly noise?: number;
}

/**
 * Randomly shifts, mirrors, brightens and perturbs images inside the graph, differentiable in the images. A learned
 * reward that has seen such changes, and is asked under them, cannot be satisfied by pixel-sized artefacts.
 *
 * @param images `[B, C, H, W]` in [0, 1]; the result may leave that range slightly
 * @param key random key, u32 `[2]`
 * @param options what to do and how much
 * @returns `[B, C, H, W]`
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { augment } from "@dipp/rewards";
 * import { key, ones } from "@dipp/tensor";
 *
 * const x = augment(ones([2, 3, 8, 8]), key(0), { shift: 2, flip: true });
 * assertEquals((await x.data()).every((v) => v === 1), true);
 * ```
 */
export function augment(
  images: Tensor,
  key: Tensor,
  options: AugmentOptions = {},
): Tensor {
  const { shift = 0, flip = false, brightness = 0, contrast = 0, noise = 0 } = options;
  const [batch, , height, width] = images.shape;
  const perImage = [batch, 1, 1, 1];
  let x = images;
  if (shift > 0) {
    const rows = offsets(fold(key, 0), batch, shift);
    x = selection(sources(rows, height), height).matmul(x);
  }
  if (shift > 0 || flip) {
    const columns = shift > 0
      ? sources(offsets(fold(key, 1), batch, shift), width)
      : arange(width, "i32").reshape([1, width]).expand([batch, width]);
    const mirrored = randint(fold(key, 2), [batch, 1], 0, 2).eq(1);
    const from = flip ? where(mirrored, columns.neg().add(width - 1), columns) : columns;
    x = x.matmul(selection(from, width).transpose(2, 3));
  }
  if (contrast > 0) {
    const gain = uniform(fold(key, 3), perImage, 1 - contrast, 1 + contrast);
    x = x.sub(0.5).mul(gain).add(0.5);
  }
  if (brightness > 0) {
    x = x.add(uniform(fold(key, 4), perImage, -brightness, brightness));
  }
  if (noise > 0) {
    x = x.add(randn(fold(key, 5), [...images.shape]).mul(noise));
  }
  return x;
}

/** Integer offsets in [-shift, shift], i32 [B, 1]. */
function offsets(key: Tensor, batch: number, shift: number): Tensor {
  if (!Number.isInteger(shift)) {
    throw new RangeError(`augment: shift must be whole pixels, got ${shift}`);
  }
  return randint(key, [batch, 1], -shift, shift + 1);
}

/** The index that each of `size` places reads, [B, size], the border repeated. */
function sources(offset: Tensor, size: number): Tensor {
  return arange(size, "i32").reshape([1, size]).add(offset).clamp(0, size - 1);
}

/** One selection matrix an image, [B, 1, size, size]: row i picks element from[b, i]. A matmul has a cheap gradient. */
function selection(from: Tensor, size: number): Tensor {
  const [batch] = from.shape;
  return from.reshape([batch, 1, size, 1])
    .eq(arange(size, "i32").reshape([1, 1, 1, size]))
    .cast("f32");
}

/**
 * A reward that looks at randomly augmented images.
 *
 * @param reward the reward inside
 * @param key random key of this step; make it an input of the compiled step
 * @param options see {@linkcode AugmentOptions}
 * @returns the reward under augmentation
 */
export function augmentedReward(
  reward: Reward,
  key: Tensor,
  options: AugmentOptions,
): Reward {
  return {
    score: (images, prompts) => reward.score(augment(images, key, options), prompts),
  };
}
