import { cat, stopGradient, type Tensor } from "@dipp/tensor";
import { addNoise, catCond, expandCond, type NoiseLevel, noiseLevel, type Prediction } from "@dipp/scores";
import { type NoiseWeight, noiseWeight } from "./noise_weight.ts";
import type { GeneratorBatch, ObjectiveModels } from "./objective.ts";
import { meanPerSample, perSample } from "./per_sample.ts";

/** What a step of an objective needs to know of its configuration to evaluate the networks. */
export interface NoisedBatchSettings {
  /** w(t) on the score difference. */
  readonly weight: NoiseWeight;
  /** `sum`: inner products sum over all axes but the batch; `mean`: they average. */
  readonly reduction: "sum" | "mean";
  /** `dmd`: each sample's field is divided by mean |x0 - x0_teacher|; `none`: it is not. */
  readonly normalization: "none" | "dmd";
  /** Weight of the CFG reward; 0 means that the null condition is not evaluated. */
  readonly alpha: number;
}

/**
 * A generated batch after the forward process, cut from the generator's graph, with the networks' views of it. Every
 * view is computed when first asked for, so a term that does without a network costs none.
 */
export class NoisedBatch {
  /** The generator's samples without gradient, `[B, ...]`. */
  readonly x0: Tensor;
  /** alpha and sigma, each `[B]`. */
  readonly level: NoiseLevel;
  /** x_t = alpha x0 + sigma eps, without gradient. */
  readonly xt: Tensor;
  readonly #batch: GeneratorBatch;
  readonly #models: ObjectiveModels;
  readonly #settings: NoisedBatchSettings;
  #fake?: Prediction;
  #teacher?: { cond: Prediction; null?: Prediction };
  #scale?: Tensor;

  /** Noises a batch; see {@linkcode NoisedBatchSettings}. */
  constructor(batch: GeneratorBatch, models: ObjectiveModels, settings: NoisedBatchSettings) {
    this.#batch = batch;
    this.#models = models;
    this.#settings = settings;
    this.x0 = stopGradient(batch.x0);
    this.level = noiseLevel(models.teacher.schedule, batch.t);
    this.xt = addNoise(this.x0, batch.eps, this.level);
  }

  /** The batch as it came. */
  get source(): GeneratorBatch {
    return this.#batch;
  }

  /** The models as they came. */
  get models(): ObjectiveModels {
    return this.#models;
  }

  /** The fake score's prediction under the condition. */
  get fake(): Prediction {
    return this.#fake ??= detach(this.#models.fake.predict(this.xt, this.#batch.t, this.#batch.cond));
  }

  /** The teacher's prediction under the condition, without guidance. */
  get teacher(): Prediction {
    return this.#teachers().cond;
  }

  /** The teacher's prediction under the null condition. */
  get teacherNull(): Prediction {
    const prediction = this.#teachers().null;
    if (prediction) return prediction;
    throw new TypeError("An objective without CFG reward does not evaluate the null condition");
  }

  /** The teacher's denoised image under guidance, `x0_c + alpha (x0_c - x0_null)`. */
  get guidedX0(): Tensor {
    const { alpha } = this.#settings;
    const x0 = this.teacher.x0;
    return alpha === 0 ? x0 : x0.add(x0.sub(this.teacherNull.x0).mul(alpha));
  }

  /** What a score difference is multiplied with, `[B]`: w(t), the reduction and the normalisation. */
  get scale(): Tensor {
    if (this.#scale) return this.#scale;
    const { weight, reduction, normalization } = this.#settings;
    let scale = noiseWeight(weight, this.level);
    if (reduction === "mean") scale = scale.mul(this.x0.shape[0] / this.x0.size);
    if (normalization === "dmd") {
      // A floor far below any real distance, so that a sample that equals the teacher's image gives no NaN.
      const distance = meanPerSample(this.x0.sub(this.guidedX0).abs()).maximum(1e-8);
      scale = scale.div(distance);
    }
    return this.#scale = scale;
  }

  /**
   * The field on x_t that belongs to a difference of predicted noises, `scale (s_a - s_b) = scale (eps_b - eps_a) / sigma`.
   * Noises are subtracted and not scores: at small sigma both scores are huge and nearly equal.
   */
  scoreDifference(a: Prediction, b: Prediction): Tensor {
    const difference = b.eps.sub(a.eps);
    return difference.mul(perSample(this.scale.div(this.level.sigma), difference));
  }

  #teachers(): { cond: Prediction; null?: Prediction } {
    return this.#teacher ??= this.#evaluateTeacher();
  }

  #evaluateTeacher(): { cond: Prediction; null?: Prediction } {
    const { t, cond, nullCond } = this.#batch;
    const { teacher } = this.#models;
    if (this.#settings.alpha === 0) return { cond: detach(teacher.predict(this.xt, t, cond)) };
    if (!nullCond) throw new TypeError("Classifier-free guidance needs a null condition, got none in the batch");
    const n = this.xt.shape[0];
    const both = detach(teacher.predict(
      cat([this.xt, this.xt], 0),
      cat([t, t], 0),
      catCond(expandCond(cond, n), expandCond(nullCond, n)),
    ));
    return { cond: rows(both, 0, n), null: rows(both, n, 2 * n) };
  }
}

/** No gradient flows through a score network: that is the difference between this family and SIM or SiD. */
function detach(p: Prediction): Prediction {
  return { x0: stopGradient(p.x0), eps: stopGradient(p.eps), score: stopGradient(p.score) };
}

function rows(p: Prediction, from: number, to: number): Prediction {
  const part = (x: Tensor) => x.slice([[from, to]]);
  return { x0: part(p.x0), eps: part(p.eps), score: part(p.score) };
}
