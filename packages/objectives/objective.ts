import type { Tensor } from "@dipp/tensor";
import type { Cond, ScoreModel } from "@dipp/scores";
import type { Prompts, Reward } from "@dipp/rewards";

/** Turns what the generator makes into images; pixel-space models have one too, from [-1, 1] to [0, 1]. */
export interface Decoder {
  /** Latents `[B, C, h, w]` to images `[B, 3, H, W]` in [0, 1], differentiable. */
  decode(latents: Tensor): Tensor;
}

/** Tells samples of the data from those of the generator, both noised; for the GAN term alone. */
export interface Discriminator {
  /** Logits `[B]` or `[B, ...]` of a noised sample being real, at `xt` `[B, ...]` and time `t` `[B]` under `cond`. */
  logits(xt: Tensor, t: Tensor, cond: Cond): Tensor;
}

/** One batch of generated samples with the noise that is put on them. */
export interface GeneratorBatch {
  /** What the generator made, `[B, ...]`; gradients flow back through it. */
  readonly x0: Tensor;
  /** Noise level of each sample in the schedule's time, f32 `[B]`. */
  readonly t: Tensor;
  /** Standard normal noise, shaped like `x0`. */
  readonly eps: Tensor;
  /** The condition that `x0` was generated under. */
  readonly cond: Cond;
  /** The null condition, with 1 or B rows; needed by classifier-free guidance. */
  readonly nullCond?: Cond;
  /** The prompts, for the reward. */
  readonly prompts?: Prompts;
  /** What the teacher makes of the same noise, shaped like `x0`; needed by the regression term. */
  readonly target?: Tensor;
}

/** The models that an objective may consult. None of them is trained by it. */
export interface ObjectiveModels {
  /** The reference diffusion's scores. */
  readonly teacher?: ScoreModel;
  /** The scores of the generator's own distribution, learned alongside. */
  readonly fake?: ScoreModel;
  /** What the images are to be liked for. */
  readonly reward?: Reward;
  /** From x0 to images for the reward; left out, x0 is what the reward sees. */
  readonly decoder?: Decoder;
  /** What the GAN term asks. */
  readonly discriminator?: Discriminator;
}

/** The models that an objective can be unable to do without. */
export type NeededModel = Exclude<keyof ObjectiveModels, "decoder">;

/** A loss and what there is to know about it. */
export interface ObjectiveResult {
  /** The scalar to differentiate with respect to the generator's parameters. */
  readonly loss: Tensor;
  /** Scalars for the log, without gradient; see `sumTerms` for their names. */
  readonly diagnostics: Readonly<Record<string, Tensor>>;
}

/** A training objective of a one-step generator. */
export interface Objective<Config = unknown> {
  /** The configuration, complete: what a run's log should echo. */
  readonly config: Config;
  /** The models that it consults: without `fake` here, no fake score need be trained. */
  readonly needs: readonly NeededModel[];
  /** Guidance scale under which the fake score is to be trained: SiD-LSG's, 1 for every other. */
  readonly fakeTrainingOmega: number;

  /**
   * Draws the noise of a generator step: t from pi(t) and eps from N(0, I).
   *
   * @param key random key, u32 `[2]`
   * @param shape the samples' shape, `[B, ...]`
   * @returns t `[B]` and eps
   */
  draw(key: Tensor, shape: readonly number[]): { t: Tensor; eps: Tensor };

  /**
   * The generator's loss on one batch.
   *
   * @param batch samples, noise, condition
   * @param models those named by `needs`, and a decoder where the reward wants images
   * @returns the loss and its diagnostics
   * @throws {TypeError} when a model or a part of the batch that it needs is missing
   */
  generatorLoss(batch: GeneratorBatch, models: ObjectiveModels): ObjectiveResult;
}
