/** The reward of a configuration as a judge. */
import { describeReward, type RewardDescription } from "@dipp/rewards";
import { tensor } from "@dipp/tensor";
import { shownPath } from "../config/paths.ts";
import type { RewardConfig } from "../config/reward_schema.ts";
import type { ImageTextData } from "../data.ts";
import { makeReward } from "../models/configured_reward.ts";
import { compiledReward } from "../models/judges.ts";
import { readModel } from "../models/model_file.ts";
import { RewardPrompts } from "../run/reward_prompts.ts";
import { type RewardJudge, rewardJudge, squareInput } from "./judges.ts";
import { sha256, sha256OfFiles } from "./sha256.ts";

/**
 * Loads a reward to measure with. Images go the way that training sends them, at the size of the data's; running
 * statistics begin anew, so that what is normalised by them counts in its own units.
 *
 * @param config What the configuration says of the reward; a text is a checkpoint.
 * @param data The data, for its words and its size.
 * @param batchSize Images at a time.
 * @param at Where the configuration says it, for errors.
 * @returns The judge.
 */
export async function configuredJudge(
  config: RewardConfig,
  data: ImageTextData,
  batchSize: number,
  at: string,
): Promise<RewardJudge> {
  if (typeof config === "string") return await rewardJudge(await readModel(config, ["preference"]));
  const { reward, files, tokens, vocabulary = data.vocabulary } = await makeReward(
    config,
    { imageSize: data.size, batchSize },
    at,
  );
  const description = describeReward(reward);
  const compiled = new RewardPrompts(tokens, [], vocabulary).ofTexts(compiledReward(reward));
  const input = squareInput(data.size);
  return {
    facts: {
      weights: files.map(shownPath).join(" and ") || "none",
      sha256: files.length > 0 ? await sha256OfFiles(files) : sha256(JSON.stringify(description)),
      variant: inWords(description),
      dtype: "f32 arithmetic",
    },
    get preprocessing() {
      return `${input.preprocessing}, then the reward's own, differentiable`;
    },
    warning: (prompt) => vocabulary.warning(prompt),
    async score(images, prompts) {
      const ids = tensor(vocabulary.encodeAll(prompts), [prompts.length, vocabulary.maxLength]);
      return Float64Array.from(await compiled.score(await input.batch(images), { ids, texts: prompts }).data());
    },
  };
}

/**
 * The members of a composed reward, as rewards to measure with beside it: those that are held out show what it does not.
 *
 * @param name What the whole is called.
 * @param config What the configuration says of it.
 * @returns The members by name, `NAME.MEMBER`; none where it is not composed.
 */
export function memberConfigs(name: string, config: RewardConfig): [string, RewardConfig][] {
  if (typeof config === "string") return [];
  if ("reward" in config) return memberConfigs(name, config.reward);
  if (!("members" in config)) return [];
  return Object.entries(config.members).flatMap(([key, member]) => {
    const own = `${name}.${key}`;
    return [[own, member] as [string, RewardConfig], ...memberConfigs(own, member)];
  });
}

function inWords({ name, options, members = [] }: RewardDescription): string {
  const settings = Object.entries(options).map(([key, value]) => `${key} ${value}`);
  return [name, ...settings].join(", ") + (members.length > 0 ? ` of (${members.map(inWords).join("; ")})` : "");
}
