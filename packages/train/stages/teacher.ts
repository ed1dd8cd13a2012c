/** The teacher: a text-conditioned diffusion model of the data. */
import { parameterCount } from "@dipp/nn";
import { drawNoise, fakeScoreLoss } from "@dipp/objectives";
import { guided, makeSampleFn } from "@dipp/scores";
import { compile, fold, key, scalar, tensor } from "@dipp/tensor";
import type { StageConfig } from "../config/schema.ts";
import { writeModel } from "../models/model_file.ts";
import { nullCond, samplerFor, scoreModel, textModel, toImages } from "../models/score_models.ts";
import { type DataContext, modelPath, provenance } from "../run/context.ts";
import { bestParams, commit, updateMetrics } from "../run/learner.ts";
import { makeLearner } from "../run/learner_options.ts";
import { type Draw, SamplePictures } from "../run/sample_pictures.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stepKey, STREAM } from "../run/step_key.ts";

/** Denoising score matching on images with prompts, some of which are dropped for classifier-free guidance. */
export async function teacherStage(config: StageConfig<"teacher">, context: DataContext): Promise<Stage> {
  const { seed, batch_size, parameterisation, loss: lossConfig } = config;
  const { data } = context;
  const { vocabulary } = data;
  const network = textModel(config.model, vocabulary);
  const learner = makeLearner(config.optimizer, config.steps, config.precision);
  const learned = await learner.init(network.init(fold(key(seed), STREAM.init)));
  const batch = data.imageBatches({ batchSize: batch_size, seed, nullProbability: config.null_probability });

  const held = data.heldOut.length > 0
    ? data.imageBatches({ batchSize: batch_size, seed, split: "heldOut" })
    : undefined;
  const shape = [batch_size, 3, data.size, data.size];
  const lossOf = (params: typeof learned.params, inputs: NamedTensors) => {
    const x0 = inputs.images.mul(2).sub(1);
    const { t, eps } = drawNoise(lossConfig.time, inputs.key, shape);
    const model = scoreModel(parameterisation, network, params);
    return fakeScoreLoss({ x0, t, eps, cond: { ids: inputs.ids } }, model, lossConfig);
  };
  const upload = ({ images, ids }: { images: Float32Array; ids: Int32Array }) => ({
    images: tensor(images, shape),
    ids: tensor(ids, [batch_size, vocabulary.maxLength]),
  });

  const best = scoreModel(parameterisation, network, bestParams(learned));
  const { steps, guidance } = config.sampler;
  const sample = makeSampleFn(guided(best, guidance.omega, nullCond(vocabulary)), {
    sampler: samplerFor(parameterisation, steps),
    compile: true,
  });
  const pictures = await SamplePictures.make(data, vocabulary, config.sample_count, seed);
  const draw: Draw = (noise, ids) => toImages(sample(noise, { ids }));
  const heldOutLoss = compile((inputs: NamedTensors) => lossOf(bestParams(learned), inputs));
  const validate = async (): Promise<Record<string, number>> => {
    if (!held) return {};
    const losses = [];
    for (let i = 0; i < 4; i++) {
      const key = stepKey(seed, STREAM.evaluation, i);
      losses.push(await heldOutLoss({ ...upload(held(i)), key }).item());
    }
    return { held_out_loss: losses.reduce((a, b) => a + b) / losses.length };
  };

  return {
    state: { teacher: learned },
    shown: ["loss", "grad_norm"],
    facts: {
      precision: config.precision,
      parameters: parameterCount(learned.params),
      words: vocabulary.size,
      guidance,
    },
    inputs: (step) => ({
      ...upload(batch(step)),
      key: stepKey(seed, STREAM.step, step),
      lr: scalar(learner.lr(step)),
    }),
    update(inputs) {
      const loss = lossOf(learned.params, inputs);
      const next = learner.update(learned, loss, inputs.lr);
      commit(learned, next);
      return { loss, ...updateMetrics(next), lr: inputs.lr };
    },
    async observe(step) {
      await pictures.write(`${context.out}/samples/step-${`${step}`.padStart(6, "0")}.png`, draw, batch_size);
      return await validate();
    },
    async finish(step) {
      await pictures.write(`${context.out}/samples/final.png`, draw, batch_size);
      const results = await validate();
      await writeModel(modelPath(config.export, context), bestParams(learned), {
        kind: "teacher",
        model: config.model,
        parameterisation,
        vocabulary: vocabulary.toJSON(),
        image_size: data.size,
        provenance: provenance(context, seed, step, results),
      });
      return results;
    },
  };
}
