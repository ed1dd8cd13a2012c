import type { Tensor } from "@dipp/tensor";
import type { Reward } from "./reward.ts";

/**
 * The concave quadratic reward r(x) = <linear, x> - 1/2 <curvature, x^2>.
 *
 * @param linear shaped like one sample
 * @param curvature shaped like one sample, not negative
 * @returns the reward; its gradient on x is `linear - curvature x`
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { quadraticReward } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const reward = quadraticReward(tensor([1]), tensor([2]));
 * const ids = tensor([[1]], [1, 1], "i32");
 * assertEquals([...await reward.score(tensor([[3]]), { ids }).data()], [-6]);
 * ```
 */
export function quadraticReward(linear: Tensor, curvature: Tensor): Reward {
  return {
    description: { name: "quadratic", options: {} },
    score: (x) => x.mul(linear).sub(x.square().mul(curvature).mul(0.5)).flatten(1).sum(1),
  };
}
