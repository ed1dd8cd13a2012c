/**
 * The one-step generator: distilled from the teacher (`distill`, by default with Diff-Instruct), or aligned with a
 * reward (`align`, by default with Diff-Instruct++). One loop for every objective; a fake score is trained beside the
 * generator where the objective consults one.
 */
import { parameterCount, type Params, realizeParams } from "@dipp/nn";
import { describeReward } from "@dipp/rewards";
import { compile, type Tensor, tensor } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { additionsTo, firstAdditions } from "../models/additions.ts";
import { generatorDraw, teacherDraw } from "../models/drawer.ts";
import { writeModel } from "../models/model_file.ts";
import { nullCond, scoreModel, toImages } from "../models/score_models.ts";
import { type DataContext, modelPath, provenance } from "../run/context.ts";
import type { Scores } from "../run/evaluation.ts";
import { RewardPrompts } from "../run/reward_prompts.ts";
import { SamplePictures } from "../run/sample_pictures.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stepKey, STREAM } from "../run/step_key.ts";
import { makeEvaluation } from "./make_evaluation.ts";
import { makeWatch } from "./make_watch.ts";
import { loadOneStepModels, type OneStepConfig } from "./one_step_models.ts";
import { OneStepTraining } from "./one_step_training.ts";

/** Algorithm 1 of Diff-Instruct++ in pixel space, on a data set with words of its own. */
export async function oneStepStage(config: OneStepConfig, context: DataContext): Promise<Stage> {
  const { seed, batch_size, fake: fakeConfig } = config;
  const { data } = context;
  const models = await loadOneStepModels(config, data.size);
  const { reward, encoder, sigmaInit } = models;
  const { network, parameterisation, vocabulary } = models.teacher;
  const { checkpoint, lora } = config.memory;
  const scores = (params: Params) => scoreModel(parameterisation, network, params, { checkpoint });
  const base = models.teacher.params;
  const additions = additionsTo(base, lora);
  const cond = ({ ids }: NamedTensors, k: number) => ({ ids: ids.slice([[k * batch_size, (k + 1) * batch_size]]) });
  const asks = new RewardPrompts(reward?.tokens ?? [], data.prompts, vocabulary);
  let before = models.before;
  const training: OneStepTraining = await OneStepTraining.make(config, {
    scores: (params) => scores(additions.whole(params)),
    generator: { sigmaInit },
    teacher: scores(models.teacher.params),
    none: nullCond(vocabulary),
    shape: [3, data.size, data.size],
    decoder: { decode: toImages },
    ...(reward ? { reward } : {}),
    cond,
    prompts: (inputs) => RewardPrompts.of(cond(inputs, training.rule.fakeUpdates).ids, inputs),
  }, async (who, learner) => {
    if (lora === null) return await learner.init(models[who].params);
    const path = config[who].checkpoint;
    const first = await realizeParams(await firstAdditions(`${who}.checkpoint`, path, base, lora, seed));
    if (who === "generator") before = { ...models.before, params: additions.whole(first) };
    return await learner.init(first);
  });
  const { trainsFake, rounds, rule } = training;
  const { name: objectiveName, ...objectiveConfig } = training.objective.config;
  if (fakeConfig.export && !trainsFake) {
    throw new ConfigError(
      `fake.export is ${fakeConfig.export}, but the objective ${objectiveName} trains no fake score`,
    );
  }
  const prompts = data.promptBatches({ batchSize: batch_size * rounds, seed, vocabulary });

  const hasStatistics = reward !== undefined && Object.keys(reward.state).length > 0;
  const evaluation = makeEvaluation(config, data, vocabulary, reward, encoder);
  const pictures = await SamplePictures.make(data, vocabulary, config.sample_count, config.evaluation.seed);
  const present = training.generatorOf(training.generatorParams);
  const drawCompiled = compile(({ noise, ids }: NamedTensors) => toImages(present.generate(noise, { ids })));
  const drawNow = (noise: Tensor, ids: Tensor) => drawCompiled({ noise, ids });
  const picture = (name: string, draw = drawNow) =>
    pictures.write(`${context.out}/samples/${name}.png`, draw, batch_size);

  const watch = await makeWatch(config, data, vocabulary, drawNow);

  return {
    ...(watch ? { watch } : {}),
    state: { ...training.state, ...(hasStatistics ? { reward: { stored: reward.state } } : {}) },
    frozen: { teacher: models.teacher.params },
    phases: training.phases,
    shown: ["reward", "loss", "loss_fake", "field_ratio/reward_to_kl"],
    facts: {
      precision: config.precision,
      parameters: parameterCount(training.generatorParams),
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
      const { ids } = prompts(step);
      return {
        ids: tensor(ids, [batch_size * rounds, vocabulary.maxLength]),
        ...asks.inputs(ids.subarray(batch_size * rule.fakeUpdates * vocabulary.maxLength), batch_size),
        key: stepKey(seed, STREAM.step, step),
        ...training.rates(step),
      };
    },
    update: (inputs) => training.update(inputs),
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
        before: generatorDraw(before, sigmaInit),
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
      await writeModel(modelPath(config.export, context), additions.merged(training.generatorParams), described);
      await additions.save(`${context.out}/lora`, training.generatorParams);
      if (training.fakeParams) {
        await writeModel(modelPath(fakeConfig.export, context, "fake"), additions.merged(training.fakeParams), {
          kind: "fake",
          ...common,
        });
        await additions.save(`${context.out}/fake-lora`, training.fakeParams);
      }
      return summary;
    },
  };
}
