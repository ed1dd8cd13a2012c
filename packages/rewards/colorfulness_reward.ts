import type { Tensor } from "@dipp/tensor";
import type { Reward } from "./reward.ts";

/** Keeps the root differentiable on images without colour. */
const EPS = 1e-10;

/**
 * Likes colourful images: the measure of Hasler and Suesstrunk 2003 (section 7), sigma_rgyb + 0.3 mu_rgyb of the
 * opponent channels R - G and (R + G) / 2 - B. Theirs is of 8-bit values: 255 times this one, on which 15 is slightly,
 * 45 averagely and 109 extremely colourful. A grey image scores 1.3e-5 instead of 0, for the sake of its gradient.
 *
 * @param sign 1 for colourful, -1 for grey
 * @returns the reward
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { colorfulnessReward } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const red = tensor([1, 0, 0], [1, 3, 1, 1]);
 * const ids = tensor([[1]], [1, 1], "i32");
 * assertAlmostEquals(await colorfulnessReward().score(red, { ids }).item(), 0.3 * Math.sqrt(1.25), 1e-4);
 * ```
 */
export function colorfulnessReward(sign: 1 | -1 = 1): Reward {
  return {
    description: { name: "colourfulness", options: { sign } },
    score(images) {
      const [r, g, b] = [0, 1, 2].map((channel) => images.select(1, channel));
      const opponents = [r.sub(g), r.add(g).mul(0.5).sub(b)];
      const root = (terms: Tensor[]) => terms[0].add(terms[1]).add(EPS).sqrt();
      const spread = root(opponents.map((x) => x.var([1, 2])));
      const mean = root(opponents.map((x) => x.mean([1, 2]).square()));
      return spread.add(mean.mul(0.3)).mul(sign);
    },
  };
}
