import type { Tensor } from "@dipp/tensor";
import type { Reward } from "./reward.ts";

/**
 * The linear reward r(x) = <weight, x>, whose optimum under a KL term is known in closed form for Gaussians.
 *
 * @param weight shaped like one sample, `x.shape.slice(1)`
 * @returns the reward; its gradient on x is `weight`
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linearReward } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const reward = linearReward(tensor([1, -2]));
 * const ids = tensor([[1]], [1, 1], "i32");
 * assertEquals([...await reward.score(tensor([[3, 1]]), { ids }).data()], [1]);
 * ```
 */
export function linearReward(weight: Tensor): Reward {
  return {
    description: { name: "linear", options: {} },
    score: (x) => x.mul(weight).flatten(1).sum(1),
  };
}
