import { cat, stopGradient, type Tensor } from "@dipp/tensor";
import { addNoise, catCond, expandCond, guided, type NoiseLevel, noiseLevel, type Prediction } from "@dipp/scores";
import type { GeneratorBatch, NeededModel, ObjectiveModels } from "./objective.ts";
import { meanPerSample } from "./per_sample.ts";

/** The guidance that an objective evaluates its networks under. */
export interface NetworkGuidance {
  /** The teacher's, as the weight of the CFG reward; 0 means that its null condition is not evaluated. */
  readonly alpha: number;
  /** The fake score's guidance scale; 1 is none. */
  readonly fakeOmega: number;
}

/**
 * A generated batch after the forward process, cut from the generator's graph, with the networks' views of it. Every
 * view is computed when first asked for, so a term that does without a network costs none. The views depend on
 * {@linkcode NoisedBatch.x0} through x_t: a term may differentiate them (SiD, SIM) or take them as they are (IKL).
 */
export class NoisedBatch {
  /** The generator's samples, a leaf without the generator's gradient, `[B, ...]`. */
  readonly x0: Tensor;
  /** The batch as it came. */
  readonly source: GeneratorBatch;
  /** The models as they came. */
  readonly models: ObjectiveModels;
  readonly #guidance: NetworkGuidance;
  #level?: NoiseLevel;
  #xt?: Tensor;
  #fake?: Prediction;
  #teacher?: { cond: Prediction; null?: Prediction };
  #distance?: Tensor;

  /** Noises a batch; see {@linkcode NetworkGuidance}. */
  constructor(batch: GeneratorBatch, models: ObjectiveModels, guidance: NetworkGuidance) {
    this.source = batch;
    this.models = models;
    this.#guidance = guidance;
    this.x0 = stopGradient(batch.x0);
  }

  /** alpha and sigma, each `[B]`. */
  get level(): NoiseLevel {
    return this.#level ??= noiseLevel(this.#model("teacher").schedule, this.source.t);
  }

  /** x_t = alpha x0 + sigma eps. */
  get xt(): Tensor {
    return this.#xt ??= addNoise(this.x0, this.source.eps, this.level);
  }

  /** The fake score's prediction under the condition, and its own guidance where it has one. */
  get fake(): Prediction {
    return this.#fake ??= this.#evaluateFake();
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

  /** The teacher's prediction under guidance, `c + alpha (c - null)` in each of its views. */
  get guided(): Prediction {
    const { alpha } = this.#guidance;
    if (alpha === 0) return this.teacher;
    const [cond, none] = [this.teacher, this.teacherNull];
    const mix = (c: Tensor, n: Tensor) => c.add(c.sub(n).mul(alpha));
    return { x0: mix(cond.x0, none.x0), eps: mix(cond.eps, none.eps), score: mix(cond.score, none.score) };
  }

  /**
   * mean |x0 - x0_teacher| of each sample, `[B]`: DMD's normaliser (arXiv 2311.18828, equation 8) and SiD's. It has
   * no gradient.
   *
   * @param floor the least that it can be, so that a sample that equals the teacher's image gives no NaN
   */
  distance(floor: number): Tensor {
    this.#distance ??= stopGradient(meanPerSample(this.x0.sub(this.guided.x0).abs()));
    return this.#distance.maximum(floor);
  }

  #model<Name extends NeededModel>(name: Name): NonNullable<ObjectiveModels[Name]> {
    const model = this.models[name];
    if (model) return model as NonNullable<ObjectiveModels[Name]>;
    throw new TypeError(`The objective needs a ${name} to evaluate, got none`);
  }

  #evaluateFake(): Prediction {
    const { t, cond, nullCond } = this.source;
    const { fakeOmega } = this.#guidance;
    const fake = this.#model("fake");
    if (fakeOmega === 1) return fake.predict(this.xt, t, cond);
    if (!nullCond) throw new TypeError("Guidance of the fake score needs a null condition, got none in the batch");
    return guided(fake, fakeOmega, nullCond).predict(this.xt, t, cond);
  }

  #teachers(): { cond: Prediction; null?: Prediction } {
    return this.#teacher ??= this.#evaluateTeacher();
  }

  #evaluateTeacher(): { cond: Prediction; null?: Prediction } {
    const { t, cond, nullCond } = this.source;
    const teacher = this.#model("teacher");
    if (this.#guidance.alpha === 0) return { cond: teacher.predict(this.xt, t, cond) };
    if (!nullCond) throw new TypeError("Classifier-free guidance needs a null condition, got none in the batch");
    const n = this.xt.shape[0];
    const both = teacher.predict(
      cat([this.xt, this.xt], 0),
      cat([t, t], 0),
      catCond(expandCond(cond, n), expandCond(nullCond, n)),
    );
    return { cond: rows(both, 0, n), null: rows(both, n, 2 * n) };
  }
}

function rows(p: Prediction, from: number, to: number): Prediction {
  const part = (x: Tensor) => x.slice([[from, to]]);
  return { x0: part(p.x0), eps: part(p.eps), score: part(p.score) };
}
