/**
 * The one-step generator: distilled from the teacher (`distill`, by default with Diff-Instruct), or aligned with a
 * reward (`align`, by default with Diff-Instruct++). One loop for every objective; a fake score is trained beside the
 * generator where the objective consults one.
 */
import { parameterCount } from "@dipp/nn";
import { drawNoise, fakeScoreLoss, generatorStep, makeObjective } from "@dipp/objectives";
import { describeReward, type Reward } from "@dipp/rewards";
import { type Cond, guided, OneStepGenerator } from "@dipp/scores";
import { cat, compile, fold, randn, scalar, stopGradient, type Tensor, tensor, uniform, where } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { generatorDraw, teacherDraw } from "../models/drawer.ts";
import { writeModel } from "../models/model_file.ts";
import { nullCond, scoreModel, toImages } from "../models/score_models.ts";
import { modelPath, provenance, type RunContext } from "../run/context.ts";
import type { Scores } from "../run/evaluation.ts";
import { bestParams, commit, type LearnerState, type LearnerUpdate, updateMetrics } from "../run/learner.ts";
import { makeLearner } from "../run/learner_options.ts";
import { RewardPrompts } from "../run/reward_prompts.ts";
import { SamplePictures } from "../run/sample_pictures.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stepKey, STREAM } from "../run/step_key.ts";
import { makeEvaluation } from "./make_evaluation.ts";
import { makeWatch } from "./make_watch.ts";
import { loadOneStepModels, type OneStepConfig } from "./one_step_models.ts";

/** Algorithm 1 of Diff-Instruct++ (Luo, arXiv 2410.18881). */
export async function oneStepStage(config: OneStepConfig, context: RunContext): Promise<Stage> {
  const { seed, batch_size, fake: fakeConfig } = config;
  const { data } = context;
  const models = await loadOneStepModels(config, data.size);
  const { reward, encoder, sigmaInit } = models;
  const { network, parameterisation, vocabulary } = models.teacher;
  const scores = (params: LearnerState["params"]) => scoreModel(parameterisation, network, params);
  const generatorOf = (params: LearnerState["params"]) => new OneStepGenerator(scores(params), { sigmaInit });

  const objective = makeObjective(config.objective);
  const { name: objectiveName, ...objectiveConfig } = objective.config;
  const trainsFake = objective.needs.includes("fake");
  if (fakeConfig.export && !trainsFake) {
    throw new ConfigError(
      `fake.export is ${fakeConfig.export}, but the objective ${objectiveName} trains no fake score`,
    );
  }
  const rule = trainsFake
    ? { fakeUpdates: fakeConfig.updates, generatorEvery: config.generator.every, warmupSteps: fakeConfig.warmup_steps }
    : { fakeUpdates: 0, generatorEvery: 1, warmupSteps: 0 };
  const generatorLearner = makeLearner(
    config.generator.optimizer,
    Math.ceil(config.steps / rule.generatorEvery),
    config.precision,
  );
  const fakeLearner = makeLearner(fakeConfig.optimizer, config.steps, config.precision);
  const generator = await generatorLearner.init(models.generator.params);
  const fake = await fakeLearner.init(models.fake.params);
  const teacher = scores(models.teacher.params);
  const none = nullCond(vocabulary);

  // One generator step draws the prompts of its K_TA fake updates, and its own after them.
  const rounds = rule.fakeUpdates + 1;
  const prompts = data.promptBatches({ batchSize: batch_size * rounds, seed, vocabulary });
  const asks = new RewardPrompts(reward?.tokens ?? [], data.prompts, vocabulary);
  const shape = [batch_size, 3, data.size, data.size];
  const round = ({ ids, key }: NamedTensors, k: number) => {
    const own = fold(key, k);
    const cond = { ids: ids.slice([[k * batch_size, (k + 1) * batch_size]]) };
    return { cond, z: randn(fold(own, 0), shape), noise: fold(own, 1), drop: fold(own, 2) };
  };

  /** The condition with some of its prompts dropped, for a fake score that is to know the null prompt too. */
  const dropPrompts = (cond: Cond, key: Tensor): Cond => {
    if (fakeConfig.null_probability === 0) return cond;
    const isDropped = uniform(key, [batch_size, 1]).lt(fakeConfig.null_probability);
    return { ids: where(isDropped, none.ids!, cond.ids!) };
  };

  /** Teaches the fake score what the generator draws now: K_TA updates, each on fresh samples. */
  const fakeUpdates = (inputs: NamedTensors): LearnerUpdate & { loss: Tensor } => {
    let update = { state: fake, gradNorm: scalar(0), loss: scalar(0) };
    const draws = Array.from({ length: rule.fakeUpdates }, (_, k) => round(inputs, k));
    // The generator rests meanwhile, so it draws for all updates at once
    const ids = inputs.ids.slice([[0, draws.length * batch_size]]);
    const samples = generatorOf(generator.params).generate(cat(draws.map(({ z }) => z), 0), { ids });
    for (const [k, { cond, noise, drop }] of draws.entries()) {
      const x0 = samples.slice([[k * batch_size, (k + 1) * batch_size]]);
      const { t, eps } = drawNoise(fakeConfig.loss.time, noise, shape);
      const model = guided(scores(update.state.params), objective.fakeTrainingOmega, none);
      const loss = fakeScoreLoss({ x0, t, eps, cond: dropPrompts(cond, drop) }, model, fakeConfig.loss);
      update = { ...fakeLearner.update(update.state, loss, inputs.lr_fake), loss };
    }
    return update;
  };

  /** Moves the generator towards the (guided) teacher, away from the fake score, and up the reward. */
  const generatorUpdate = (inputs: NamedTensors, fakeParams: LearnerState["params"]) => {
    const { cond, z, noise } = round(inputs, rule.fakeUpdates);
    const x0 = generatorOf(generator.params).generate(z, cond);
    const asked = RewardPrompts.of(cond.ids, inputs);
    // What the objective asks of the reward need not be computed again to be shown
    let scored: Tensor | undefined;
    const watched: Reward | undefined = reward &&
      { score: (images, prompts) => scored = reward.training.score(images, prompts) };
    const { loss, diagnostics } = objective.generatorLoss(
      { x0, ...objective.draw(noise, shape), cond, nullCond: none, prompts: asked },
      { teacher, fake: scores(fakeParams), decoder: { decode: toImages }, ...(watched ? { reward: watched } : {}) },
    );
    const update = generatorLearner.update(generator, loss, inputs.lr);
    const images = stopGradient(toImages(x0));
    const metrics = {
      ...diagnostics,
      ...(reward ? { reward: (scored ?? reward.reward.score(images, asked)).mean() } : {}),
      ...reward?.metrics(images, asked),
      ...updateMetrics(update),
      lr: inputs.lr,
    };
    return { update, metrics };
  };

  const hasStatistics = reward !== undefined && Object.keys(reward.state).length > 0;
  const evaluation = makeEvaluation(config, data, vocabulary, reward, encoder);
  const pictures = await SamplePictures.make(data, vocabulary, config.sample_count, config.evaluation.seed);
  const present = generatorOf(bestParams(generator));
  const drawCompiled = compile(({ noise, ids }: NamedTensors) => toImages(present.generate(noise, { ids })));
  const drawNow = (noise: Tensor, ids: Tensor) => drawCompiled({ noise, ids });
  const picture = (name: string, draw = drawNow) =>
    pictures.write(`${context.out}/samples/${name}.png`, draw, batch_size);

  const watch = await makeWatch(config, data, vocabulary, drawNow);

  return {
    ...(watch ? { watch } : {}),
    state: {
      generator,
      ...(trainsFake ? { fake } : {}),
      ...(hasStatistics ? { reward: { stored: reward.state } } : {}),
    },
    shown: ["reward", "loss", "loss_fake", "field_ratio/reward_to_kl"],
    facts: {
      precision: config.precision,
      parameters: parameterCount(generator.params),
      words: vocabulary.size,
      sigma_init: sigmaInit,
      time_init: present.t,
      objective: objectiveName,
      k_ta: rule.fakeUpdates,
      generator_every: rule.generatorEvery,
      ...objectiveConfig,
      ...(reward ? { reward: describeReward(reward.reward) } : {}),
      evaluation_images: evaluation.size,
    },
    inputs(step) {
      const own = generatorStep(rule, step);
      const { ids } = prompts(step);
      return {
        ids: tensor(ids, [batch_size * rounds, vocabulary.maxLength]),
        ...asks.inputs(ids.subarray(batch_size * rule.fakeUpdates * vocabulary.maxLength), batch_size),
        key: stepKey(seed, STREAM.step, step),
        ...(trainsFake ? { lr_fake: scalar(fakeLearner.lr(step)) } : {}),
        // Without a learning rate the generator rests.
        ...(own === null ? {} : { lr: scalar(generatorLearner.lr(own)) }),
      };
    },
    update(inputs) {
      const metrics: NamedTensors = {};
      let fakeParams = fake.params;
      if (trainsFake) {
        const { loss, ...update } = fakeUpdates(inputs);
        commit(fake, update);
        Object.assign(metrics, { loss_fake: loss, ...updateMetrics(update, "_fake"), lr_fake: inputs.lr_fake });
        fakeParams = update.state.params;
      }
      if (!("lr" in inputs)) return metrics;
      const step = generatorUpdate(inputs, fakeParams);
      commit(generator, step.update);
      return { ...step.metrics, ...metrics };
    },
    begin: () => picture("before"),
    async observe(step) {
      await picture(`step-${`${step}`.padStart(6, "0")}`);
    },
    async finish(step) {
      context.note(`Measuring on ${evaluation.size} images each`);
      await picture("after");
      const measured = config.evaluation.models;
      const draws = {
        teacher: teacherDraw(models.teacher, config.sampler.steps, config.sampler.guidance.omega),
        before: generatorDraw(models.before, sigmaInit),
        after: drawNow,
      };
      if (measured.includes("teacher")) await picture("teacher", draws.teacher);
      const rows = Object.entries(draws).filter(([name]) => measured.includes(name as keyof typeof draws));
      await pictures.compare(`${context.out}/samples/comparison.png`, Object.fromEntries(rows), batch_size);
      const summary: Partial<Record<keyof typeof draws, Scores>> = {};
      for (const name of measured) summary[name] = await evaluation.measure(draws[name]);
      const common = {
        model: { network: network.config.network, config: network.config.config },
        parameterisation,
        vocabulary: vocabulary.toJSON(),
        image_size: data.size,
        provenance: provenance(context, seed, step, summary),
      };
      const described = { kind: "generator", sigma_init: sigmaInit, ...common } as const;
      await writeModel(modelPath(config.export, context), bestParams(generator), described);
      if (trainsFake) {
        await writeModel(modelPath(fakeConfig.export, context, "fake"), bestParams(fake), { kind: "fake", ...common });
      }
      return summary;
    },
  };
}
