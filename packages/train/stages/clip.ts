/** The contrastive model: does an image show its prompt? The measure of faithfulness. */
import { parameterCount } from "@dipp/nn";
import { augment, ContrastiveModel, type ContrastiveParams } from "@dipp/rewards";
import { compile, fold, key, scalar, tensor } from "@dipp/tensor";
import type { StageConfig } from "../config/schema.ts";
import { writeModel } from "../models/model_file.ts";
import { type DataContext, modelPath, provenance } from "../run/context.ts";
import { bestParams, commit, updateMetrics } from "../run/learner.ts";
import { makeLearner } from "../run/learner_options.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stepKey, STREAM } from "../run/step_key.ts";

/** CLIP's symmetric cross entropy on images with their prompts. */
export async function clipStage(config: StageConfig<"clip">, context: DataContext): Promise<Stage> {
  const { seed, batch_size } = config;
  const { data } = context;
  const { vocabulary } = data;
  const model = new ContrastiveModel({
    ...config.model,
    text: { ...config.model.text, vocab_size: vocabulary.size },
  });
  const learner = makeLearner(config.optimizer, config.steps, config.precision);
  const learned = await learner.init(model.init(fold(key(seed), STREAM.init)));
  const best = bestParams(learned) as ContrastiveParams;
  const batch = data.imageBatches({ batchSize: batch_size, seed });
  const shape = [batch_size, 3, data.size, data.size];

  // How often an image's prompt is the nearest of its batch, on prompts that were held out.
  const held = data.heldOut.length > 0
    ? data.imageBatches({ batchSize: batch_size, seed, split: "heldOut" })
    : undefined;
  const accuracy = compile(({ images, ids }: NamedTensors) => {
    const logits = model.encodeImages(best, images).matmul(model.encodeTexts(best, ids).transpose(0, 1));
    // Duplicates of a prompt in the batch count as right: their features are equal.
    const own = model.encodeImages(best, images).mul(model.encodeTexts(best, ids)).sum(1);
    return logits.max(1).sub(own).le(1e-6).cast("f32").mean();
  });
  const upload = ({ images, ids }: { images: Float32Array; ids: Int32Array }) => ({
    images: tensor(images, shape),
    ids: tensor(ids, [batch_size, vocabulary.maxLength]),
  });
  const validate = async (): Promise<Record<string, number>> => {
    if (!held) return {};
    const shares = [];
    for (let i = 0; i < 4; i++) shares.push(await accuracy(upload(held(i))).item());
    return { held_out_accuracy: shares.reduce((a, b) => a + b) / shares.length };
  };

  return {
    state: { clip: learned },
    shown: ["loss", "grad_norm"],
    facts: { precision: config.precision, parameters: parameterCount(learned.params), words: vocabulary.size },
    inputs: (step) => ({
      ...upload(batch(step)),
      key: stepKey(seed, STREAM.step, step),
      lr: scalar(learner.lr(step)),
    }),
    update(inputs) {
      const params = learned.params as ContrastiveParams;
      const seen = augment(inputs.images, inputs.key, config.augment);
      const loss = model.loss(params, model.encodeImages(params, seen), model.encodeTexts(params, inputs.ids));
      const next = learner.update(learned, loss, inputs.lr);
      commit(learned, next);
      return { loss, ...updateMetrics(next), lr: inputs.lr };
    },
    observe: validate,
    async finish(step) {
      const results = await validate();
      await writeModel(modelPath(config.export, context), best, {
        kind: "clip",
        model: model.config,
        vocabulary: vocabulary.toJSON(),
        image_size: data.size,
        provenance: provenance(context, seed, step, results),
      });
      return results;
    },
  };
}
