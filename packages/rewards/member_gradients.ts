import { type Tensor, vjp } from "@dipp/tensor";
import type { Prompts, Reward } from "./reward.ts";

/**
 * How strongly each reward pulls at the images: the Euclidean norm of the gradient of its score, mean over the batch. To
 * be logged beside a sum of rewards, in the same step; a weight multiplies the norm of its member.
 *
 * @param members rewards by name
 * @param images `[B, 3, H, W]`
 * @param prompts the prompt of each image
 * @returns the norms by name, `[]` each
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linearReward, memberGradientNorms } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const norms = memberGradientNorms({ a: linearReward(tensor([3, 4])) }, tensor([[1, 1]]), {
 *   ids: tensor([[1]], [1, 1], "i32"),
 * });
 * assertEquals(await norms.a.item(), 5);
 * ```
 */
export function memberGradientNorms(
  members: Readonly<Record<string, Reward>>,
  images: Tensor,
  prompts: Prompts,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(members).map(([name, reward]) => {
      const scores = reward.score(images, prompts);
      const [gradient] = vjp([scores], [scores.mul(0).add(1)], [images]);
      return [name, gradient.flatten(1).square().sum(1).sqrt().mean()];
    }),
  );
}
