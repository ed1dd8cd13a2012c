import { stack, type Tensor } from "@dipp/tensor";
import { describeReward } from "./description.ts";
import type { Prompts, Reward } from "./reward.ts";

/**
 * Different rewards for different prompts. Every member scores every image; the route says what counts.
 *
 * @param members the rewards
 * @param route the prompts to the weight of each member, `[B, members]`; see {@linkcode routeByToken}
 * @returns the reward
 * @throws {RangeError} when there is no member; while scoring, when the route gives another shape
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linearReward, routeByToken, routedReward } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const times = (n: number) => linearReward(tensor([n]));
 * const reward = routedReward([times(1), times(10)], routeByToken([[7]]));
 * const ids = tensor([[7, 2], [3, 0]], [2, 2], "i32"); // token 7 asks for the first, all else for the last
 * assertEquals([...await reward.score(tensor([[1], [1]]), { ids }).data()], [1, 10]);
 * ```
 */
export function routedReward(members: readonly Reward[], route: (prompts: Prompts) => Tensor): Reward {
  if (members.length === 0) throw new RangeError("routedReward: expected at least one reward");
  return {
    description: { name: "routed", options: {}, members: members.map(describeReward) },
    score(images, prompts) {
      const scores = stack(members.map((reward) => reward.score(images, prompts)), 1);
      const weights = route(prompts);
      if (`${weights.shape}` !== `${scores.shape}`) {
        throw new RangeError(`routedReward: the route has shape [${weights.shape}], expected [${scores.shape}]`);
      }
      return scores.mul(weights).sum(1);
    },
  };
}

/**
 * Routes a prompt to the first member one of whose tokens it holds, and to the last member where it holds none.
 *
 * @param tokens token ids of each member but the last
 * @returns the route, of one more member than there are sets of tokens
 */
export function routeByToken(tokens: readonly (readonly number[])[]): (prompts: Prompts) => Tensor {
  return ({ ids }) => {
    let open: Tensor | undefined;
    const weights = tokens.map((own) => {
      const holds = own.map((id) => ids.eq(id).cast("f32").max(1))
        .reduce((a, b) => a.maximum(b), ids.select(1, 0).cast("f32").mul(0));
      const weight = open ? holds.mul(open) : holds;
      open = open ? open.sub(weight) : weight.neg().add(1);
      return weight;
    });
    return stack([...weights, open ?? ids.select(1, 0).cast("f32").mul(0).add(1)], 1);
  };
}
