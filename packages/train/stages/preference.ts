/** The reward model: which of two images of a prompt is preferred? */
import { parameterCount } from "@dipp/nn";
import { augment, bradleyTerryLoss, type BradleyTerryParams, BradleyTerryReward, pairAccuracy } from "@dipp/rewards";
import { compile, fold, key, scalar, tensor } from "@dipp/tensor";
import type { StageConfig } from "../config/schema.ts";
import type { PairBatch } from "../data.ts";
import { writeModel } from "../models/model_file.ts";
import { type DataContext, modelPath, provenance } from "../run/context.ts";
import { bestParams, commit, updateMetrics } from "../run/learner.ts";
import { makeLearner } from "../run/learner_options.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stepKey, STREAM } from "../run/step_key.ts";

/** Bradley-Terry on preference pairs; its accuracy on held-out prompts is reported. */
export async function preferenceStage(config: StageConfig<"preference">, context: DataContext): Promise<Stage> {
  const { seed, batch_size } = config;
  const { data } = context;
  const { vocabulary } = data;
  const network = new BradleyTerryReward({
    ...config.model,
    text: { ...config.model.text, vocab_size: vocabulary.size },
  });
  const learner = makeLearner(config.optimizer, config.steps, config.precision);
  const learned = await learner.init(network.init(fold(key(seed), STREAM.init)));
  const best = bestParams(learned) as BradleyTerryParams;
  const batch = data.pairBatches({ batchSize: batch_size, seed });
  const shape = [batch_size, 3, data.size, data.size];
  const upload = ({ preferred, rejected, ids }: PairBatch) => ({
    preferred: tensor(preferred, shape),
    rejected: tensor(rejected, shape),
    ids: tensor(ids, [batch_size, vocabulary.maxLength]),
  });

  const held = data.heldOut.length > 0
    ? data.pairBatches({ batchSize: batch_size, seed, split: "heldOut" })
    : undefined;
  const accuracy = compile(({ preferred, rejected, ids }: NamedTensors) =>
    pairAccuracy(network.apply(best, preferred, ids), network.apply(best, rejected, ids))
  );
  const validate = async (): Promise<Record<string, number>> => {
    if (!held) return {};
    const shares = [];
    const batches = Math.max(1, Math.floor(data.heldOut.length / batch_size));
    for (let i = 0; i < batches; i++) shares.push(await accuracy(upload(held(i))).item());
    return { held_out_accuracy: shares.reduce((a, b) => a + b) / shares.length };
  };

  return {
    state: { preference: learned },
    shown: ["loss", "accuracy", "grad_norm"],
    facts: { precision: config.precision, parameters: parameterCount(learned.params), words: vocabulary.size },
    inputs: (step) => ({
      ...upload(batch(step)),
      key: stepKey(seed, STREAM.step, step),
      lr: scalar(learner.lr(step)),
    }),
    update({ preferred, rejected, ids, key, lr }) {
      const params = learned.params as BradleyTerryParams;
      const win = network.apply(params, augment(preferred, fold(key, 0), config.augment), ids);
      const lose = network.apply(params, augment(rejected, fold(key, 1), config.augment), ids);
      const loss = bradleyTerryLoss(win, lose);
      const next = learner.update(learned, loss, lr);
      commit(learned, next);
      return { loss, accuracy: pairAccuracy(win, lose), ...updateMetrics(next), lr };
    },
    observe: validate,
    async finish(step) {
      const results = await validate();
      await writeModel(modelPath(config.export, context), best, {
        kind: "preference",
        model: network.config,
        vocabulary: vocabulary.toJSON(),
        image_size: data.size,
        provenance: provenance(context, seed, step, results),
      });
      return results;
    },
  };
}
