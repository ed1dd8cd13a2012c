/** What a generator is worth: reward, faithfulness, distance to the real images, diversity. */
import { Diversity, fitFeatures, FrechetDistance, type GaussianFit, MeanReward, Retrieval } from "@dipp/metrics";
import type { ImageTextEncoder, Prompts, Reward } from "@dipp/rewards";
import { randn, type Tensor, tensor } from "@dipp/tensor";
import type { ImageTextData } from "../data.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type Draw, spread } from "./sample_pictures.ts";
import { stepKey, STREAM } from "./step_key.ts";

/** What is measured; null where there is no model to measure it with. */
export type Scores = {
  /** Mean reward on held-out prompts. */
  reward: number | null;
  /** Its standard deviation over images. */
  reward_std: number | null;
  /** How often an image's prompt is the nearest of all prompts. */
  retrieval_at_1: number | null;
  /** How often it is among the five nearest. */
  retrieval_at_5: number | null;
  /** Frechet distance to the real images in the contrastive model's space. */
  frechet: number | null;
  /** Mean distance between two images of one prompt in that space. */
  diversity: number | null;
  /** Mean scores of the reward's members on held-out prompts, those that are held out too. */
  [member: `reward/${string}`]: number | null;
};

/** What to measure with, and on how much. */
export interface EvaluationOptions {
  /** The data set. */
  readonly data: ImageTextData;
  /** The models' words. */
  readonly vocabulary: Vocabulary;
  /** The reward. */
  readonly reward?: Reward;
  /** What it is put together of, by name. */
  readonly members?: Readonly<Record<string, Reward>>;
  /** The contrastive model. */
  readonly encoder?: ImageTextEncoder;
  /** Seed of the noise. */
  readonly seed: number;
  /** Images of each prompt; diversity needs two. */
  readonly imagesPerPrompt: number;
  /** Prompts of the training set to measure on, besides all that are held out. */
  readonly trainPrompts: number;
  /** Images at a time. */
  readonly batchSize: number;
}

/** One batch of an evaluation: prompts with noise, the same for every generator. */
interface EvaluationBatch {
  readonly prompts: Prompts;
  readonly noise: Tensor;
  readonly isHeldOut: boolean;
}

/** Measures generators on the same prompts from the same noise. */
export class Evaluation {
  readonly #options: EvaluationOptions;
  readonly #batches: readonly EvaluationBatch[];
  #reference?: Promise<GaussianFit>;

  /** @param options What to measure with, and on how much. */
  constructor(options: EvaluationOptions) {
    this.#options = options;
    const { data, trainPrompts } = options;
    const groups = [
      { indices: data.heldOut, isHeldOut: true },
      { indices: spread(data.train, trainPrompts), isHeldOut: false },
    ];
    this.#batches = groups.flatMap(({ indices, isHeldOut }) =>
      this.#rows(indices).map((rows, i) => this.#batch(rows, isHeldOut, i))
    );
  }

  /** Number of images that each generator draws. */
  get size(): number {
    return this.#batches.reduce((n, batch) => n + batch.noise.shape[0], 0);
  }

  /**
   * Measures a generator.
   *
   * @param draw What draws images in [0, 1].
   * @returns Its scores.
   */
  async measure(draw: Draw): Promise<Scores> {
    const { reward, members = {}, encoder, data, vocabulary } = this.#options;
    const meanReward = reward && new MeanReward(reward);
    const means = Object.entries(members).map(([name, member]) => [name, new MeanReward(member)] as const);
    const gallery: Prompts = {
      ids: tensor(vocabulary.encodeAll(data.prompts), [data.prompts.length, vocabulary.maxLength]),
      texts: data.prompts,
    };
    const retrieval = encoder && new Retrieval(encoder, gallery, [1, 5]);
    const diversity = encoder && new Diversity(encoder);
    const frechet = encoder && new FrechetDistance(encoder, await (this.#reference ??= this.#fit(encoder)));
    const batches = reward || encoder ? this.#batches : [];
    for (const { prompts, noise, isHeldOut } of batches) {
      const images = await draw(await noise.realize(), prompts.ids).realize();
      for (const mean of isHeldOut ? [meanReward, ...means.map(([, member]) => member)] : []) {
        await mean?.update(images, prompts);
      }
      await retrieval?.update(images, prompts);
      await diversity?.update(images, prompts);
      await frechet?.update(images);
    }
    const [rewards, ranks] = [await meanReward?.compute(), await retrieval?.compute()];
    const parts: Record<`reward/${string}`, number | null> = {};
    for (const [name, mean] of means) parts[`reward/${name}`] = finite((await mean.compute()).mean);
    return {
      reward: finite(rewards?.mean),
      reward_std: finite(rewards?.std),
      retrieval_at_1: finite(ranks?.at_1),
      retrieval_at_5: finite(ranks?.at_5),
      frechet: batches.length === 0 ? null : finite(await frechet?.compute()),
      diversity: finite(await diversity?.compute()),
      ...parts,
    };
  }

  /** Prompts in rows of whole batches, so that every batch has one shape; what is left over is spread out of sight. */
  #rows(indices: readonly number[]): number[][] {
    const { imagesPerPrompt: copies, batchSize } = this.#options;
    const perBatch = Math.max(1, Math.floor(batchSize / copies));
    const wide = Math.min(perBatch, indices.length);
    const batches = wide === 0 ? 0 : Math.floor(indices.length / wide);
    const chosen = spread(indices, batches * wide);
    return Array.from(
      { length: batches },
      (_, b) => chosen.slice(b * wide, (b + 1) * wide).flatMap((i) => new Array<number>(copies).fill(i)),
    );
  }

  #batch(rows: readonly number[], isHeldOut: boolean, index: number): EvaluationBatch {
    const { data, vocabulary, seed } = this.#options;
    const texts = rows.map((i) => data.prompts[i]);
    const stream = isHeldOut ? index : 0x10000 + index;
    return {
      prompts: { ids: tensor(vocabulary.encodeAll(texts), [rows.length, vocabulary.maxLength]), texts },
      noise: randn(stepKey(seed, STREAM.evaluation, stream), [rows.length, 3, data.size, data.size]),
      isHeldOut,
    };
  }

  /** The real images' statistics. */
  #fit(encoder: ImageTextEncoder): Promise<GaussianFit> {
    const { data, batchSize } = this.#options;
    const all = data.images(data.prompts.map((_, i) => i));
    const width = 3 * data.size * data.size, count = all.length / width;
    const batches = [];
    for (let at = 0; at < count; at += batchSize) {
      const n = Math.min(batchSize, count - at);
      batches.push(tensor(all.slice(at * width, (at + n) * width), [n, 3, data.size, data.size]));
    }
    return fitFeatures(encoder, batches);
  }
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
