import { assign, scalar, stopGradient, type Tensor } from "@dipp/tensor";
import { describeReward } from "./description.ts";
import type { Prompts, Reward } from "./reward.ts";

/** Running moments of a reward, `[]` each: what a checkpoint has to keep. */
export type RunningRewardState = {
  /** Decayed mean of the scores, not yet corrected for its start at 0. */
  mean: Tensor;
  /** The same of their squares. */
  square: Tensor;
  /** What of the start at 0 is left, decay^n. */
  rest: Tensor;
};

/** Settings of {@linkcode RunningNormalization}. */
export interface RunningNormalizationOptions {
  /** How much of the moments stays from batch to batch, in [0, 1). Default 0.99. */
  readonly decay?: number;
  /** Smallest standard deviation that is divided by. Default 1e-4. */
  readonly minStd?: number;
}

/**
 * A reward in units of its own recent spread, (r - mean) / std, so that weights of several rewards mean the same. Mean
 * and spread are decayed averages over batches, corrected for their start as Adam's are, and constants to the gradient.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { linearReward, RunningNormalization } from "@dipp/rewards";
 * import { tensor } from "@dipp/tensor";
 *
 * const reward = new RunningNormalization(linearReward(tensor([1])));
 * const ids = tensor([[1], [1]], [2, 1], "i32");
 * const scores = await reward.track(tensor([[10], [30]]), { ids }).data(); // mean 20, standard deviation 10
 * assertAlmostEquals(scores[1], 1, 1e-4);
 * ```
 */
export class RunningNormalization implements Reward {
  /** See {@linkcode Reward}. */
  readonly description: NonNullable<Reward["description"]>;
  /** The moments so far. */
  readonly state: RunningRewardState = { mean: scalar(0), square: scalar(0), rest: scalar(1) };
  readonly #reward: Reward;
  readonly #decay: number;
  readonly #minStd: number;

  /**
   * Wraps a reward.
   *
   * @param reward the reward
   * @param options see {@linkcode RunningNormalizationOptions}
   * @throws {RangeError} when the decay is not in [0, 1) or the smallest deviation is not positive
   */
  constructor(reward: Reward, options: RunningNormalizationOptions = {}) {
    const { decay = 0.99, minStd = 1e-4 } = options;
    if (!(decay >= 0 && decay < 1)) throw new RangeError(`RunningNormalization: decay is ${decay}, expected [0, 1)`);
    if (!(minStd > 0)) throw new RangeError(`RunningNormalization: minStd is ${minStd}, expected a positive number`);
    this.#reward = reward;
    this.#decay = decay;
    this.#minStd = minStd;
    this.description = { name: "normalised", options: { decay, minStd }, members: [describeReward(reward)] };
  }

  /** Scores by the moments so far and leaves them as they are; before the first batch the scores are the reward's own. */
  score(images: Tensor, prompts: Prompts): Tensor {
    return this.#normalize(this.#reward.score(images, prompts), this.state);
  }

  /** Scores by the moments with this batch in them, and keeps these when the step ends. Once a step. */
  track(images: Tensor, prompts: Prompts): Tensor {
    const scores = this.#reward.score(images, prompts);
    const values = stopGradient(scores);
    const mix = (old: Tensor, batch: Tensor | number) =>
      old.mul(this.#decay).add(typeof batch === "number" ? batch : batch.mul(1 - this.#decay));
    const next = {
      mean: mix(this.state.mean, values.mean()),
      square: mix(this.state.square, values.square().mean()),
      rest: mix(this.state.rest, 0),
    };
    for (const name of ["mean", "square", "rest"] as const) assign(this.state[name], next[name]);
    return this.#normalize(scores, next);
  }

  #normalize(scores: Tensor, { mean, square, rest }: RunningRewardState): Tensor {
    const seen = rest.neg().add(1);
    const none = seen.eq(0);
    const weight = seen.maximum(1e-12);
    const average = mean.div(weight);
    const variance = square.div(weight).sub(average.square()).maximum(this.#minStd ** 2);
    const std = variance.sqrt().where(none.logicalNot(), 1);
    return scores.sub(average).div(std);
  }
}
