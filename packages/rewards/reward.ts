import type { Tensor } from "@dipp/tensor";
import type { RewardDescription } from "./description.ts";

/**
 * The prompts of a batch, in the forms in which a reward or metric may want them. A compiled step sees only the
 * tensors; the texts are for what runs on the host.
 */
export interface Prompts {
  /** Token ids, `[B, L]` i32, 0 is padding. */
  readonly ids: Tensor;
  /** The same prompts as text, for grouping and for reports. */
  readonly texts?: readonly string[];
  /** Ids for models that bring a tokenizer of their own, by the name that the model asks for, each `[B, L']` i32. */
  readonly tokens?: Readonly<Record<string, Tensor>>;
}

/**
 * How much an image is liked under a prompt. Everything that objectives and metrics know of a reward.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import type { Reward } from "@dipp/rewards";
 * import { ones, tensor } from "@dipp/tensor";
 *
 * // likes red images
 * const red: Reward = { score: (images) => images.slice([null, [0, 1]]).mean([1, 2, 3]) };
 * const ids = tensor([[1, 2]], [1, 2], "i32");
 * assertEquals([...await red.score(ones([1, 3, 8, 8]), { ids }).data()], [1]);
 * ```
 */
export interface Reward {
  /** What it is and how it was set up, for reports; see {@linkcode describeReward}. */
  readonly description?: RewardDescription;
  /**
   * Scores each image.
   *
   * @param images `[B, 3, H, W]` in [0, 1]
   * @param prompts the prompt of each image
   * @returns `[B]`, larger is better, differentiable in `images`
   */
  score(images: Tensor, prompts: Prompts): Tensor;
}
