/**
 * The one-step generator of a latent diffusion: distilled (`distill_diffusers`, by default with Diff-Instruct) or aligned
 * with a reward (`align_diffusers`, by default with Diff-Instruct++). Generator, fake score and frozen teacher begin as
 * the network of one diffusers directory; prompts were embedded before; the reward sees what the autoencoder decodes.
 */
import { parameterCount, type SaveCheckpointOptions } from "@dipp/nn";
import { type Cond, condFields, expandCond, saveComponent } from "@dipp/scores";
import { type Tensor, tensor, treeMap } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { GENERATOR_KEY } from "../diffusers/generator_index.ts";
import { additionsTo, firstAdditions } from "../models/additions.ts";
import { type LatentDraw, LatentPictures } from "../diffusers/latent_pictures.ts";
import type { PromptStream } from "../diffusers/prompt_stream.ts";
import type { EmbeddedPrompts } from "../embed/embedding_reader.ts";
import type { RunContext } from "../run/context.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stepKey, STREAM } from "../run/step_key.ts";
import { checkDiffusersTimes } from "./diffusers_times.ts";
import type { DiffusersConfig, DiffusersModels, MakeDiffusersModels } from "./diffusers_models.ts";
import { OneStepTraining, roundsOf } from "./one_step_training.ts";

/** Algorithm 1 of Diff-Instruct++ in the latent space of a diffusers directory. */
export async function oneStepDiffusersStage(
  config: DiffusersConfig,
  context: RunContext,
  makeModels: MakeDiffusersModels,
): Promise<Stage> {
  const { trainsFake, name } = roundsOf(config);
  if (config.fake.export && !trainsFake) {
    throw new ConfigError(`fake.export is ${config.fake.export}, but the objective ${name} trains no fake score`);
  }
  const models = await makeModels(config);
  checkDiffusersTimes(config, models);
  const stream = await models.prompts(config.batch_size * roundsOf(config).rounds);
  try {
    return await makeOneStep(config, context, models, stream);
  } catch (error) {
    stream[Symbol.dispose]();
    throw error;
  }
}

async function makeOneStep(
  config: DiffusersConfig,
  context: RunContext,
  models: DiffusersModels,
  stream: PromptStream,
): Promise<Stage> {
  const { seed, batch_size, sample_count: count } = config;
  const { diffusion, decoder, reward } = models;
  const { component } = diffusion;
  const [, ...shape] = diffusion.latentShape(1, models.size);
  const whole = wholeCond(diffusion.sizeCond(models.size));
  const fields = Object.keys(condFields(stream.none));
  const { checkpoint, lora } = config.memory;
  const additions = additionsTo(models.teacher, lora);
  const training = await OneStepTraining.make(config, {
    scores: (params) => diffusion.scoreModel(additions.whole(params), { checkpoint }),
    generator: models.generator,
    teacher: diffusion.scoreModel(models.teacher),
    none: whole(stream.none),
    shape,
    decoder,
    ...(reward && { reward: { reward: reward.reward, training: reward.reward, metrics: () => ({}) } }),
    cond(inputs, k) {
      const rows = (name: string) => inputs[name].slice([[k * batch_size, (k + 1) * batch_size]]);
      return whole(Object.fromEntries(fields.map((name) => [name, rows(name)])));
    },
    prompts: ({ reward_ids: ids }) => reward?.prompts(ids) ?? { ids },
  }, async (who, learner) => {
    if (lora !== null) {
      const { checkpoint } = config[who];
      const first = await firstAdditions(
        `${who}.checkpoint`,
        models.plansOnly ? null : checkpoint,
        models.teacher,
        lora,
        seed,
      );
      return await learner.init(first, models.materialise);
    }
    const params = await models.initial(who);
    const state = await learner.init(params, models.materialise);
    models.release(params);
    return state;
  });
  const { name: objectiveName, ...objectiveConfig } = training.objective.config;
  const generator = training.generatorOf(training.generatorParams);
  const draw: LatentDraw = (noise, cond) => decoder.decode(generator.generate(noise, whole(cond)));
  const pictures = new LatentPictures(stream, { count, shape, seed, reward });
  const look = (name: string) => pictures.write(`${context.out}/samples/${name}.png`, draw);
  const beforePath = `${context.out}/before.json`;

  let current: EmbeddedPrompts | undefined;
  /** The reward reads the generator's own prompts, the last ones of a step. */
  const rewardIds = (prompts: readonly string[]) =>
    reward && { reward_ids: tensor(reward.encode(prompts.slice(-batch_size)), [batch_size, reward.length]) };

  return {
    state: training.state,
    frozen: { teacher: models.teacher, vae: models.vae, ...(reward && { reward: reward.params }) },
    phases: training.phases,
    shown: ["reward", "loss", "loss_fake", "field_ratio/reward_to_kl"],
    facts: {
      precision: config.precision,
      parameters: parameterCount(training.generatorParams),
      prompts: stream.count,
      size: models.size,
      time_init: generator.t,
      objective: objectiveName,
      k_ta: training.rule.fakeUpdates,
      generator_every: training.rule.generatorEvery,
      ...objectiveConfig,
      ...(reward && { reward: reward.label }),
    },
    async prepare(step) {
      // What was copied into the step's inputs is of no use any more
      if (current) { for (const field of Object.values(condFields(current.cond))) field.dispose(); }
      current = await stream.batch(step);
    },
    inputs(step): NamedTensors {
      const { cond, prompts } = current!;
      return {
        ...condFields(cond),
        ...rewardIds(prompts),
        key: stepKey(seed, STREAM.step, step),
        ...training.rates(step),
      };
    },
    update: (inputs) => training.update(inputs),
    async begin() {
      const before = await look("before");
      await Deno.writeTextFile(beforePath, JSON.stringify(before) + "\n");
    },
    async observe(step) {
      const { reward } = await look(`step-${`${step}`.padStart(6, "0")}`);
      return reward === undefined ? undefined : { sample_reward: reward };
    },
    async finish() {
      const before = JSON.parse(await Deno.readTextFile(beforePath));
      const after = await look("after");
      const how: SaveCheckpointOptions = {
        dtype: ({ f32: "F32", f16: "F16", bf16: "BF16" } as const)[config.export_dtype],
      };
      const path = config.export ?? `${context.out}/model`;
      const index = { [GENERATOR_KEY]: { t: generator.t, input: models.generator.input ?? "vp" } };
      await diffusion.save(path, additions.merged(training.generatorParams), { ...how, index });
      await additions.save(`${context.out}/lora`, training.generatorParams);
      if (training.fakeParams) {
        const { className, config: described } = diffusion.described;
        const folder = `${config.fake.export ?? `${context.out}/fake`}/${component}`;
        await saveComponent(
          folder,
          { className, config: described, params: additions.merged(training.fakeParams) },
          how,
        );
        await additions.save(`${context.out}/fake-lora`, training.fakeParams);
      }
      return { before, after, model: path };
    },
    close: () => stream[Symbol.dispose](),
  };
}

/** Makes conditions as a file holds them into conditions as the network takes them: f32, with what it is told of sizes. */
function wholeCond(size: Cond): (cond: Cond) => Cond {
  return (cond) => {
    const own = condFields(cond);
    const wide = treeMap<Tensor, Tensor>(own, (t) => t.dtype === "i32" ? t : t.cast("f32")) as Record<string, Tensor>;
    return { ...wide, ...expandCond(size, cond.embeds!.shape[0]) };
  };
}
