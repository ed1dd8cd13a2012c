import type { Tensor } from "@dipp/tensor";
import type { Prompts, Reward } from "@dipp/rewards";
import type { MergeableMetric } from "./metric.ts";
import { RunningMoments, type RunningMomentsState } from "./running_moments.ts";

/** What {@linkcode MeanReward} computes. */
export type MeanRewardResult = {
  /** Mean reward. */
  mean: number;
  /** Standard deviation over images. */
  std: number;
  /** Standard error of the mean. */
  stderr: number;
  /** Number of images. */
  count: number;
};

/**
 * The mean of a reward over images.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MeanReward } from "@dipp/metrics";
 * import { brightnessReward } from "@dipp/rewards";
 * import { cat, ones, tensor, zeros } from "@dipp/tensor";
 *
 * const metric = new MeanReward(brightnessReward());
 * const ids = tensor([[1], [2]], [2, 1], "i32");
 * await metric.update(cat([zeros([1, 3, 4, 4]), ones([1, 3, 4, 4])], 0), { ids });
 * assertEquals((await metric.compute()).mean, 0.5);
 * ```
 */
export class MeanReward implements MergeableMetric<RunningMomentsState> {
  /** What it is called in a report. */
  readonly name: string;
  readonly #reward: Reward;
  readonly #moments: RunningMoments = new RunningMoments();

  /**
   * Averages a reward.
   *
   * @param reward what to average
   * @param name what to call it in a report
   */
  constructor(reward: Reward, name = "reward") {
    this.#reward = reward;
    this.name = name;
  }

  /** See {@linkcode Metric}. */
  async update(images: Tensor, prompts: Prompts): Promise<void> {
    const scores = this.#reward.score(images, prompts);
    if (scores.ndim !== 1 || scores.shape[0] !== images.shape[0]) {
      throw new RangeError(`${this.name} has shape [${scores.shape}] for ${images.shape[0]} images, expected one each`);
    }
    for (const x of await scores.data()) this.#moments.push(x);
  }

  /** Mean, standard deviation, standard error and count. */
  compute(): Promise<MeanRewardResult> {
    const { mean, std, stderr, count } = this.#moments;
    return Promise.resolve({ mean, std, stderr, count });
  }

  /** See {@linkcode MergeableMetric}. */
  state(): RunningMomentsState {
    return this.#moments.state();
  }

  /** See {@linkcode MergeableMetric}. */
  merge(state: RunningMomentsState): void {
    this.#moments.merge(state);
  }
}
