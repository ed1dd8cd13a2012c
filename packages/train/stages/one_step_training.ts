/**
 * Algorithm 1 of Diff-Instruct++ (Luo, arXiv 2410.18881) as expressions, whatever space the generator lives in and
 * whatever its prompts are.
 */
import type { Params, Precision } from "@dipp/nn";
import { drawNoise, fakeScoreLoss, generatorStep, makeObjective, type ObjectiveConfig } from "@dipp/objectives";
import type { Decoder, FakeScoreLossConfig, Objective, TwoTimeScale } from "@dipp/objectives";
import type { Prompts, Reward } from "@dipp/rewards";
import { catCond, type Cond, condFields, guided, OneStepGenerator } from "@dipp/scores";
import type { OneStepGeneratorOptions, ScoreModel } from "@dipp/scores";
import { cat, fold, grad, randn, scalar, stopGradient, type Tensor, uniform, where } from "@dipp/tensor";
import type { OptimizerConfig } from "../config/fields.ts";
import type { ConfiguredReward } from "../models/configured_reward.ts";
import type { Learner, LearnerState, LearnerUpdate } from "../run/learner.ts";
import { bestParams, commit, updateMetrics } from "../run/learner.ts";
import { makeLearner } from "../run/learner_options.ts";
import type { RunState } from "../run/restore.ts";
import type { NamedTensors } from "../run/stage.ts";
import { mean, partOf } from "./micro_batch.ts";

/** What a configuration says of it. */
export interface OneStepSettings {
  /** Steps of the run. */
  readonly steps: number;
  /** Samples of one update. */
  readonly batch_size: number;
  /** What the networks that learn multiply. */
  readonly precision: Precision;
  /** The generator's part. */
  readonly generator: { readonly every: number; readonly optimizer: OptimizerConfig };
  /** The fake score's part. */
  readonly fake: {
    readonly updates: number;
    readonly warmup_steps: number;
    readonly loss: FakeScoreLossConfig;
    readonly null_probability: number;
    readonly optimizer: OptimizerConfig;
  };
  /** The generator's objective. */
  readonly objective: ObjectiveConfig;
  /** Parts that a batch is computed in. */
  readonly memory: { readonly micro_batches: number };
}

/** What takes part, apart from what learns. */
export interface OneStepParts {
  /** The scores that a network with these parameters gives. */
  scores(params: Params): ScoreModel;
  /** Where the generator evaluates its network, and what it feeds it. */
  readonly generator: OneStepGeneratorOptions;
  /** The reference diffusion, frozen. */
  readonly teacher: ScoreModel;
  /** The condition of no prompt, one row. */
  readonly none: Cond;
  /** The shape of a sample, `[C, H, W]`. */
  readonly shape: readonly number[];
  /** From samples to the images that a reward takes. */
  readonly decoder: Decoder;
  /** The reward, where there is one. */
  readonly reward?: Pick<ConfiguredReward, "reward" | "training" | "metrics">;
  /** The condition of the prompts that a round of a step draws. */
  cond(inputs: NamedTensors, round: number): Cond;
  /** What the reward reads of the generator's own round. */
  prompts(inputs: NamedTensors): Prompts;
}

/** A one-step generator and, where the objective consults one, the fake score beside it, as they learn. */
export class OneStepTraining {
  /** What the generator descends. */
  readonly objective: Objective<ObjectiveConfig>;
  /** Whether there is a fake score. */
  readonly trainsFake: boolean;
  /** Who moves when. */
  readonly rule: TwoTimeScale;
  /** Batches of prompts that one step draws: those of its fake updates, and the generator's own after them. */
  readonly rounds: number;
  readonly #settings: OneStepSettings;
  readonly #parts: OneStepParts;
  readonly #learners: { readonly generator: Learner; readonly fake: Learner };
  readonly #generator: LearnerState;
  readonly #fake: LearnerState | undefined;

  private constructor(
    settings: OneStepSettings,
    parts: OneStepParts,
    plan: ReturnType<typeof planOf>,
    states: { generator: LearnerState; fake?: LearnerState | undefined },
  ) {
    const { objective, trainsFake, rule, learners } = plan;
    [this.objective, this.trainsFake, this.rule] = [objective, trainsFake, rule];
    this.rounds = rule.fakeUpdates + 1;
    [this.#settings, this.#parts, this.#learners] = [settings, parts, learners];
    [this.#generator, this.#fake] = [states.generator, states.fake];
  }

  /**
   * Sets up the state before the first step.
   *
   * @param settings What the configuration says.
   * @param parts What takes part.
   * @param begin Makes the state of one of those that learn; called for the generator, then for the fake score if there
   *   is one, so that the parameters they begin with need not be there at once.
   */
  static async make(
    settings: OneStepSettings,
    parts: OneStepParts,
    begin: (who: "generator" | "fake", learner: Learner) => Promise<LearnerState>,
  ): Promise<OneStepTraining> {
    const plan = planOf(settings);
    const generator = await begin("generator", plan.learners.generator);
    const fake = plan.trainsFake ? await begin("fake", plan.learners.fake) : undefined;
    return new OneStepTraining(settings, parts, plan, { generator, fake });
  }

  /** What a checkpoint holds. */
  get state(): RunState {
    return { generator: this.#generator, ...(this.#fake && { fake: this.#fake }) };
  }

  /** The generator's parameters to draw with and to export. */
  get generatorParams(): Params {
    return bestParams(this.#generator);
  }

  /** The fake score's, where there is one. */
  get fakeParams(): Params | undefined {
    return this.#fake && bestParams(this.#fake);
  }

  /** A generator with these parameters. */
  generatorOf(params: Params): OneStepGenerator {
    return new OneStepGenerator(this.#parts.scores(params), this.#parts.generator);
  }

  /** The learning rates of a step; without one the generator rests. */
  rates(step: number): NamedTensors {
    const own = generatorStep(this.rule, step);
    return {
      ...(this.trainsFake ? { lr_fake: scalar(this.#learners.fake.lr(step)) } : {}),
      ...(own === null ? {} : { lr: scalar(this.#learners.generator.lr(own)) }),
    };
  }

  /** One step: the fake score learns what the generator draws now, then the generator moves. */
  update(inputs: NamedTensors): NamedTensors {
    const fake = this.#fake && this.#fakeUpdates(inputs, this.#fake);
    if (fake) commit(this.#fake!, fake);
    const metrics = fake ? fakeMetrics(fake, inputs) : {};
    if (!("lr" in inputs)) return metrics;
    return { ...this.#generatorStep(inputs, fake?.state.params), ...metrics };
  }

  /** The parts of a step, to be planned apart: who learns, and what the reward costs within the generator's. */
  get phases(): Readonly<Record<string, (inputs: NamedTensors) => NamedTensors>> {
    const { reward, decoder } = this.#parts;
    const asksReward = reward !== undefined && this.objective.needs.includes("reward");
    return {
      ...(this.#fake && {
        "fake score update": (inputs) => {
          const update = this.#fakeUpdates(inputs, this.#fake!);
          commit(this.#fake!, update);
          return fakeMetrics(update, inputs);
        },
      }),
      "generator update": (inputs) => this.#generatorStep(inputs, this.#fake?.params),
      ...(asksReward && {
        "reward, forward and backward": (inputs) => {
          const x0 = randn(inputs.key, this.#shape);
          const scores = reward.reward.score(decoder.decode(x0), this.#parts.prompts(inputs));
          return { gradient: grad(scores.sum(), [x0])[0].sum() };
        },
      }),
    };
  }

  get #shape(): number[] {
    return [this.#settings.batch_size, ...this.#parts.shape];
  }

  #round(inputs: NamedTensors, k: number): { cond: Cond; z: Tensor; noise: Tensor; drop: Tensor } {
    const own = fold(inputs.key, k);
    const cond = this.#parts.cond(inputs, k);
    return { cond, z: randn(fold(own, 0), this.#shape), noise: fold(own, 1), drop: fold(own, 2) };
  }

  /** The condition with some of its prompts dropped, for a fake score that is to know the null prompt too. */
  #dropPrompts(cond: Cond, key: Tensor): Cond {
    const { fake: { null_probability }, batch_size } = this.#settings;
    if (null_probability === 0) return cond;
    const isDropped = uniform(key, [batch_size, 1]).lt(null_probability);
    const none = condFields(this.#parts.none);
    return Object.fromEntries(
      Object.entries(condFields(cond)).map(([name, field]) => {
        const which = isDropped.reshape([batch_size, ...new Array<number>(field.ndim - 1).fill(1)]);
        return [name, where(which, none[name], field)];
      }),
    );
  }

  /** Teaches the fake score what the generator draws now: K_TA updates, each on fresh samples. */
  #fakeUpdates(inputs: NamedTensors, fake: LearnerState): LearnerUpdate & { loss: Tensor } {
    const { fake: { loss: config }, batch_size: batch } = this.#settings;
    const { scores, none } = this.#parts;
    let update = { state: fake, gradNorm: scalar(0), loss: scalar(0) };
    const draws = Array.from({ length: this.rule.fakeUpdates }, (_, k) => this.#round(inputs, k));
    const { micro_batches } = this.#settings.memory;
    const samples = micro_batches === 1 ? this.#samples(draws) : undefined;
    for (const [k, { cond, z, noise, drop }] of draws.entries()) {
      const drawn = drawNoise(config.time, noise, this.#shape);
      const model = guided(scores(update.state.params), this.objective.fakeTrainingOmega, none);
      const asked = this.#dropPrompts(cond, drop);
      const losses: Tensor[] = [];
      const next = this.#learners.fake.update(update.state, {
        count: micro_batches,
        loss: (i, wait) => {
          const part = this.#part(i);
          const x0 = samples
            ? samples.slice([[k * batch, (k + 1) * batch]])
            : this.generatorOf(this.#generator.params).generate(wait(part(z)), partOf(cond, part));
          const eps = wait(part(drawn.eps));
          const loss = fakeScoreLoss({ x0, t: part(drawn.t), eps, cond: partOf(asked, part) }, model, config);
          losses.push(loss);
          return loss;
        },
      }, inputs.lr_fake);
      update = { ...next, loss: mean(losses) };
    }
    return update;
  }

  /** What takes the rows of a micro-batch out of those of a batch. */
  #part(index: number): (x: Tensor) => Tensor {
    const { batch_size, memory: { micro_batches } } = this.#settings;
    const rows = batch_size / micro_batches;
    return (x) => rows === batch_size || x.shape[0] !== batch_size ? x : x.slice([[index * rows, (index + 1) * rows]]);
  }

  /** What the generator draws for several rounds at once, since it rests meanwhile. */
  #samples(draws: readonly { readonly cond: Cond; readonly z: Tensor }[]): Tensor {
    const cond = draws.map(({ cond }) => cond).reduce(catCond);
    return this.generatorOf(this.#generator.params).generate(cat(draws.map(({ z }) => z), 0), cond);
  }

  /** Moves the generator towards the (guided) teacher, away from the fake score, and up the reward. */
  #generatorStep(inputs: NamedTensors, fakeParams: Params | undefined): NamedTensors {
    const { scores, none, teacher, decoder, reward } = this.#parts;
    const { cond, z, noise } = this.#round(inputs, this.rule.fakeUpdates);
    const prompts = this.#parts.prompts(inputs);
    const drawn = this.objective.draw(noise, this.#shape);
    const measured: NamedTensors[] = [];
    const update = this.#learners.generator.update(this.#generator, {
      count: this.#settings.memory.micro_batches,
      loss: (i, wait) => {
        const part = this.#part(i);
        const own = partOf(cond, part), asks = partOf(prompts, part);
        const x0 = this.generatorOf(this.#generator.params).generate(wait(part(z)), own);
        // What the objective's own term asks is what is logged: decoder and reward run once
        let asked: Tensor | undefined;
        const watched: Reward | undefined = reward &&
          { score: (images, p) => asked = reward.training.score(images, p) };
        const { loss, diagnostics } = this.objective.generatorLoss(
          { x0, ...partOf(drawn, part), cond: own, nullCond: none, prompts: asks },
          { teacher, decoder, ...(fakeParams && { fake: scores(fakeParams) }), ...(watched && { reward: watched }) },
        );
        const images = reward && stopGradient(decoder.decode(x0));
        measured.push({
          ...diagnostics,
          ...(reward && { reward: stopGradient(asked ?? reward.reward.score(images!, asks)).mean() }),
          ...reward?.metrics(images!, asks),
        });
        return loss;
      },
    }, inputs.lr);
    commit(this.#generator, update);
    const means = Object.keys(measured[0]).map((name) => [name, mean(measured.map((one) => one[name]))]);
    return { ...Object.fromEntries(means), ...updateMetrics(update), lr: inputs.lr };
  }
}

/**
 * What a step of a configuration needs, known before anything is loaded.
 *
 * @param settings The configuration.
 * @returns Batches of prompts that it draws, whether it trains a fake score, and the objective's name.
 */
export function roundsOf(settings: OneStepSettings): { rounds: number; trainsFake: boolean; name: string } {
  const { rule, trainsFake, objective } = planOf(settings);
  return { rounds: rule.fakeUpdates + 1, trainsFake, name: objective.config.name };
}

function planOf(settings: OneStepSettings) {
  const { generator, fake, steps, precision } = settings;
  const objective = makeObjective(settings.objective) as Objective<ObjectiveConfig>;
  const trainsFake = objective.needs.includes("fake");
  const rule: TwoTimeScale = trainsFake
    ? { fakeUpdates: fake.updates, generatorEvery: generator.every, warmupSteps: fake.warmup_steps }
    : { fakeUpdates: 0, generatorEvery: 1, warmupSteps: 0 };
  const learners = {
    generator: makeLearner(generator.optimizer, Math.ceil(steps / rule.generatorEvery), precision),
    fake: makeLearner(fake.optimizer, steps, precision),
  };
  return { objective, trainsFake, rule, learners };
}

function fakeMetrics({ loss, ...update }: LearnerUpdate & { loss: Tensor }, { lr_fake }: NamedTensors): NamedTensors {
  return { loss_fake: loss, ...updateMetrics(update, "_fake"), lr_fake };
}
