import type { Tensor } from "@dipp/tensor";
import type { Cond, ScoreModel } from "@dipp/scores";
import type { Prompts, Reward } from "@dipp/rewards";

/** Turns what the generator makes into images; pixel-space models have one too, from [-1, 1] to [0, 1]. */
export interface Decoder {
  /** Latents `[B, C, h, w]` to images `[B, 3, H, W]` in [0, 1], differentiable. */
  decode(latents: Tensor): Tensor;
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
}

/** The models that an objective may consult. None of them is trained by it. */
export interface ObjectiveModels {
  /** The reference diffusion's scores. */
  readonly teacher: ScoreModel;
  /** The scores of the generator's own distribution, learned alongside. */
  readonly fake: ScoreModel;
  /** What the images are to be liked for. */
  readonly reward?: Reward;
  /** From x0 to images for the reward; left out, x0 is what the reward sees. */
  readonly decoder?: Decoder;
}

/** A loss and what there is to know about it. */
export interface ObjectiveResult {
  /** The scalar to differentiate with respect to the generator's parameters. */
  readonly loss: Tensor;
  /** Scalars for the log, without gradient; see the objective for their names. */
  readonly diagnostics: Readonly<Record<string, Tensor>>;
}

/** A training objective of a one-step generator. */
export interface Objective {
  /**
   * The generator's loss on one batch.
   *
   * @param batch samples, noise, condition
   * @param models teacher, fake score, reward
   * @returns the loss and its diagnostics
   */
  generatorLoss(batch: GeneratorBatch, models: ObjectiveModels): ObjectiveResult;
}
