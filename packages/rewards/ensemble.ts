import { stack, type Tensor } from "@dipp/tensor";
import { describeReward } from "./description.ts";
import type { Prompts, Reward } from "./reward.ts";

/**
 * What an ensemble pays: the mean of its members; the worst of them; or the mean less their variance (Coste et al. 2023,
 * "Reward Model Ensembles Help Mitigate Overoptimization", equations 2 and 3).
 */
export type EnsembleRule = "mean" | "worst" | "uncertainty";

/** Settings of {@linkcode RewardEnsemble}. */
export interface EnsembleOptions {
  /** A member that is not trained on, only watched. */
  readonly heldOut?: string;
  /** How the others are put together. Default "mean". */
  readonly rule?: EnsembleRule;
  /** Weight of the variance under "uncertainty". Default 0.5. */
  readonly uncertainty?: number;
}

/**
 * Several rewards as one, with a member held out: where the ensemble rises and the held-out member falls, the generator
 * exploits its rewards. Members should be in comparable units ({@linkcode RunningNormalization}).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linearReward, RewardEnsemble } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const times = (n: number) => linearReward(tensor([n]));
 * const ensemble = new RewardEnsemble({ a: times(1), b: times(3), c: times(-1) }, { heldOut: "c" });
 * const [x, prompts] = [tensor([[2]]), { ids: tensor([[1]], [1, 1], "i32") }];
 * assertEquals(await ensemble.score(x, prompts).item(), 4);
 * assertEquals(await ensemble.gap(x, prompts).item(), 6);
 * ```
 */
export class RewardEnsemble implements Reward {
  /** See {@linkcode Reward}. */
  readonly description: NonNullable<Reward["description"]>;
  /** All members by name, the held-out one too. */
  readonly members: Readonly<Record<string, Reward>>;
  /** The name of the member that is not trained on. */
  readonly heldOut: string | undefined;
  readonly #rule: EnsembleRule;
  readonly #uncertainty: number;

  /**
   * Puts rewards together.
   *
   * @param members the rewards by name
   * @param options see {@linkcode EnsembleOptions}
   * @throws {RangeError} when no member is left to train on, the held-out one is none of them, or the rule is unknown
   */
  constructor(members: Readonly<Record<string, Reward>>, options: EnsembleOptions = {}) {
    const { heldOut, rule = "mean", uncertainty = 0.5 } = options;
    const names = Object.keys(members);
    if (heldOut !== undefined && !Object.hasOwn(members, heldOut)) {
      throw new RangeError(`RewardEnsemble: heldOut is "${heldOut}", expected one of ${names.join(", ")}`);
    }
    if (names.every((name) => name === heldOut)) throw new RangeError("RewardEnsemble: no member to train on");
    if (!["mean", "worst", "uncertainty"].includes(rule)) {
      throw new RangeError(`RewardEnsemble: rule is "${rule}", expected mean, worst or uncertainty`);
    }
    this.members = members;
    this.heldOut = heldOut;
    this.#rule = rule;
    this.#uncertainty = uncertainty;
    this.description = {
      name: "ensemble",
      options: { rule, heldOut: heldOut ?? "none", ...(rule === "uncertainty" ? { uncertainty } : {}) },
      members: Object.values(members).map(describeReward),
    };
  }

  /** See {@linkcode Reward}; the held-out member takes no part. */
  score(images: Tensor, prompts: Prompts): Tensor {
    const trained = Object.entries(this.members).filter(([name]) => name !== this.heldOut);
    const scores = stack(trained.map(([, reward]) => reward.score(images, prompts)), 0);
    if (this.#rule === "worst") return scores.min(0);
    if (this.#rule === "mean") return scores.mean(0);
    return scores.mean(0).sub(scores.var(0).mul(this.#uncertainty));
  }

  /** Each member's scores, the held-out one's too. */
  memberScores(images: Tensor, prompts: Prompts): Record<string, Tensor> {
    return Object.fromEntries(
      Object.entries(this.members).map(([name, reward]) => [name, reward.score(images, prompts)]),
    );
  }

  /**
   * By how much the ensemble likes the images better than the member that was held out, `[B]`; to be watched over time.
   *
   * @throws {RangeError} when none is held out
   */
  gap(images: Tensor, prompts: Prompts): Tensor {
    if (this.heldOut === undefined) throw new RangeError("RewardEnsemble: no member is held out");
    return this.score(images, prompts).sub(this.members[this.heldOut].score(images, prompts));
  }
}
