/** The reward that a configuration puts together, and what a run has to know of its parts. */
import {
  clipReward,
  marginReward,
  memberGradientNorms,
  type Prompts,
  type Reward,
  RewardEnsemble,
  routeByToken,
  routedReward,
  RunningNormalization,
  type RunningRewardState,
  standardizeReward,
  weightedSum,
} from "@dipp/rewards";
import { realizeParams } from "@dipp/nn";
import type { Tensor } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import type { CompositeRewardConfig, LeafRewardConfig, RewardConfig } from "../config/reward_schema.ts";
import { UNKNOWN_ID, type Vocabulary, words } from "../vocabulary.ts";
import { loadRewardLeaf, type RewardContext, type TokenSource } from "./reward_leaf.ts";

/** One of the rewards that others are put together of. */
export interface RewardMember {
  /** The reward. */
  readonly reward: Reward;
  /** The same, which learns what scores are usual while it is asked; at most once a step. */
  readonly training: Reward;
  /** Nothing is trained on it: it is there to be watched. */
  readonly isHeldOut: boolean;
}

/** A reward as a run uses it. */
export interface ConfiguredReward {
  /** The reward; asking it changes nothing. */
  readonly reward: Reward;
  /** The same, where running statistics learn from what it is asked; at most once a step, in a compiled one. */
  readonly training: Reward;
  /** What it is put together of, by name; members of members with the names joined by dots. */
  readonly members: Readonly<Record<string, RewardMember>>;
  /** Running statistics, which a checkpoint holds. */
  readonly state: Record<string, RunningRewardState>;
  /** What makes tokens for those that bring a tokenizer. */
  readonly tokens: readonly TokenSource[];
  /** All files behind it. */
  readonly files: readonly string[];
  /** The words that its token ids stand for, where a part of it knows words. */
  readonly vocabulary: Vocabulary | undefined;
  /**
   * What a step's log says of the members, one number each: `reward/NAME`, the mean score; `reward_grad_norm/NAME`, how
   * strongly a member that is trained on pulls at the images ({@linkcode memberGradientNorms}); `reward_gap/NAME`, by how
   * much the reward likes the images better than a member that is held out does. Nothing where there are no members.
   *
   * @param images `[B, 3, H, W]`, cut from the generator.
   * @param prompts The prompt of each.
   */
  metrics(images: Tensor, prompts: Prompts): Record<string, Tensor>;
}

/**
 * Loads a reward and all that it is put together of.
 *
 * @param config What the configuration says.
 * @param context Words, size and number of the images.
 * @param at Where the configuration says it, for errors.
 * @returns The reward.
 * @throws {ConfigError} If a part of it cannot be read or does not fit; the error names the part.
 */
export async function makeReward(
  config: RewardConfig,
  context: RewardContext,
  at = "reward",
): Promise<ConfiguredReward> {
  const builder = new Builder(context);
  const { reward, training } = await builder.build(config, { at, name: "", isHeldOut: false });
  const { members, state, tokens, files, vocabulary } = builder;
  await realizeParams(state);
  return {
    reward,
    training,
    members,
    state,
    tokens: [...tokens.values()],
    files,
    vocabulary,
    metrics(images, prompts) {
      const all = Object.entries(members);
      const held = all.filter(([name, { isHeldOut }]) =>
        // What is within a member that is held out is asked through it
        isHeldOut && !all.some(([other, outer]) => outer.isHeldOut && name.startsWith(`${other}.`))
      );
      const isHeld = (name: string) => held.some(([other]) => other === name);
      const trained = Object.fromEntries(all.flatMap(([name, m]) => m.isHeldOut ? [] : [[name, m.reward]]));
      const score = Object.fromEntries(all.map(([name, { reward, training }]) => {
        return [name, (isHeld(name) ? training : reward).score(images, prompts).mean()];
      }));
      const whole = held.length > 0 ? reward.score(images, prompts).mean() : undefined;
      const norms = memberGradientNorms(trained, images, prompts);
      return Object.fromEntries([
        ...Object.entries(score).map(([name, mean]) => [`reward/${name}`, mean]),
        ...Object.entries(norms).map(([name, norm]) => [`reward_grad_norm/${name}`, norm]),
        ...held.map(([name]) => [`reward_gap/${name}`, whole!.sub(score[name])]),
      ]);
    },
  };
}

/** Where in the configuration a reward stands. */
interface Place {
  readonly at: string;
  readonly name: string;
  readonly isHeldOut: boolean;
}

type Both = Pick<RewardMember, "reward" | "training">;

/** Builds rewards, and collects what is to be known of all of them. */
class Builder {
  readonly members: Record<string, RewardMember> = {};
  readonly state: Record<string, RunningRewardState> = {};
  readonly tokens = new Map<string, TokenSource>();
  readonly files: string[] = [];
  vocabulary: Vocabulary | undefined;
  readonly #context: RewardContext;

  constructor(context: RewardContext) {
    this.#context = context;
    this.vocabulary = context.vocabulary;
  }

  async build(config: RewardConfig, place: Place): Promise<Both> {
    if (typeof config === "string") return await this.#leaf({ type: "preference", path: config }, place.at);
    if (isComposite(config)) return await this.#composite(config, place);
    return await this.#leaf(config, place.at);
  }

  async #leaf(config: LeafRewardConfig, at: string): Promise<Both> {
    const context = { ...this.#context, ...(this.vocabulary ? { vocabulary: this.vocabulary } : {}) };
    const { reward, files, tokens, vocabulary } = await loadRewardLeaf(config, context, at);
    this.files.push(...files);
    this.vocabulary ??= vocabulary;
    if (tokens) this.tokens.set(tokens.name, tokens);
    return { reward, training: reward };
  }

  async #composite(config: CompositeRewardConfig, place: Place): Promise<Both> {
    if ("reward" in config) {
      const inner = await this.build(config.reward, { ...place, at: `${place.at}.reward` });
      if (config.type === "normalized") return this.#normalized(inner, config);
      const change = (reward: Reward): Reward => {
        if (config.type === "margin") return marginReward(reward, config.margin);
        if (config.type === "standardized") return standardizeReward(reward, config);
        const { min, max } = config;
        return clipReward(reward, { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) });
      };
      return { reward: change(inner.reward), training: change(inner.training) };
    }
    const members: Record<string, Both> = {};
    for (const [key, member] of Object.entries(config.members)) {
      const name = place.name === "" ? key : `${place.name}.${key}`;
      const isHeldOut = place.isHeldOut || ("held_out" in config && config.held_out === key);
      members[key] = await this.build(member, { at: `${place.at}.members.${key}`, name, isHeldOut });
      this.members[name] = { ...members[key], isHeldOut };
    }
    const choose = (way: keyof Both) => Object.fromEntries(Object.entries(members).map(([key, m]) => [key, m[way]]));
    const route = config.type === "routed" ? this.#route(config, place.at) : undefined;
    const put = (rewards: Readonly<Record<string, Reward>>): Reward => {
      switch (config.type) {
        case "sum":
          return weightedSum(
            Object.entries(rewards).filter(([key]) => key !== config.held_out)
              .map(([key, reward]) => ({ reward, weight: config.weights[key] ?? 1 })),
          );
        case "ensemble": {
          const { rule, uncertainty, held_out } = config;
          return new RewardEnsemble(rewards, {
            rule,
            uncertainty,
            ...(held_out === null ? {} : { heldOut: held_out }),
          });
        }
        case "routed":
          return routedReward([...Object.keys(config.words), config.otherwise].map((key) => rewards[key]), route!);
      }
    };
    return { reward: put(choose("reward")), training: put(choose("training")) };
  }

  #normalized(inner: Both, { decay, min_std }: Extract<CompositeRewardConfig, { type: "normalized" }>): Both {
    let asked = inner.reward;
    const { description } = inner.reward;
    const reward = new RunningNormalization({
      ...(description ? { description } : {}),
      score: (images, prompts) => asked.score(images, prompts),
    }, { decay, minStd: min_std });
    this.state[`normalized_${Object.keys(this.state).length}`] = reward.state;
    const track = (images: Tensor, prompts: Prompts) => {
      asked = inner.training;
      try {
        return reward.track(images, prompts);
      } finally {
        asked = inner.reward;
      }
    };
    return { reward, training: { description: reward.description, score: track } };
  }

  #route({ words: asked, otherwise }: Extract<CompositeRewardConfig, { type: "routed" }>, at: string) {
    const { vocabulary } = this;
    if (!vocabulary) throw new ConfigError(`${at} routes by words, expected a vocabulary, or a reward that has one`);
    if (otherwise in asked) {
      throw new ConfigError(`${at}.words.${otherwise} is there, expected none: it is otherwise's`);
    }
    return routeByToken(
      Object.entries(asked).map(([key, list]) =>
        list.map((word) => {
          const [id] = vocabulary.encode(word);
          if (words(word).length === 1 && id !== UNKNOWN_ID) return id;
          throw new ConfigError(
            `${at}.words.${key} has "${word}", expected one of the ${vocabulary.words.length} words`,
          );
        })
      ),
    );
  }
}

function isComposite(config: Exclude<RewardConfig, string>): config is CompositeRewardConfig {
  return "members" in config || "reward" in config;
}
