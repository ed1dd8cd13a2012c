/** The reward model: which of two images of a prompt is preferred? */
import { type PairCalibration, pairCalibration } from "@dipp/metrics";
import { parameterCount, type Params } from "@dipp/nn";
import { bradleyTerryLoss } from "@dipp/rewards";
import { compile, fold, key, scalar } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import type { StageConfig } from "../config/schema.ts";
import type { TrainingData } from "../preferences/training_data.ts";
import { writeModel } from "../models/model_file.ts";
import { preferenceNetwork } from "../preferences/preference_network.ts";
import { reliabilityTable } from "../preferences/reliability_table.ts";
import { BestKept } from "../run/best_kept.ts";
import { type DataContext, modelPath, provenance } from "../run/context.ts";
import { bestParams, commit, updateMetrics } from "../run/learner.ts";
import { makeLearner } from "../run/learner_options.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stepKey, STREAM } from "../run/step_key.ts";

/** Bradley-Terry on preference pairs; loss, accuracy and calibration on held-out pairs are reported. */
export async function preferenceStage(
  config: StageConfig<"preference">,
  context: DataContext<TrainingData>,
): Promise<Stage> {
  const { seed, batch_size, early_stopping: stopping } = config;
  const network = await preferenceNetwork(config, context.data, context.note);
  const { inputs, vocabulary, size } = network;
  if (stopping && inputs.heldOut.length === 0) {
    throw new ConfigError("early_stopping looks at held-out pairs, but data holds none out, expected null");
  }
  const learner = makeLearner(config.optimizer, config.steps, config.precision);
  const learned = await learner.init(network.init(fold(key(seed), STREAM.init)));
  const kept = stopping ? await BestKept.make(learned, stopping.patience) : undefined;

  /** What a set of parameters is worth on the pairs that are held out; undefined where there are none. */
  const measurer = (params: Params) => {
    const score = compile(({ preferred, rejected, text }: NamedTensors) =>
      network.score(params, preferred, text).sub(network.score(params, rejected, text))
    );
    return async (): Promise<PairCalibration | undefined> => {
      const count = inputs.heldOut.length;
      if (count === 0) return undefined;
      const differences = new Float64Array(count);
      for (let at = 0; at < count; at += batch_size) {
        const { target: _, ...rows } = inputs.heldOutBatch(at);
        differences.set((await score(rows).data()).subarray(0, count - at), at);
      }
      return pairCalibration(differences, inputs.heldOut);
    };
  };
  const measure = measurer(bestParams(learned));
  const validate = async (step: number): Promise<Record<string, number>> => {
    const seen = await measure();
    if (!seen) return {};
    await kept?.look(step, seen.loss);
    return numbers(seen);
  };

  return {
    state: { preference: learned, ...(kept ? { best: { stored: kept.state, packing: learned.packing } } : {}) },
    shown: ["loss", "accuracy", "grad_norm"],
    facts: {
      precision: config.precision,
      parameters: parameterCount(learned.params),
      words: vocabulary.size,
      held_out_pairs: inputs.heldOut.length,
    },
    ...(stopping ? { observeEvery: stopping.every } : {}),
    inputs: (step) => ({
      ...inputs.batch(step),
      key: stepKey(seed, STREAM.step, step),
      lr: scalar(learner.lr(step)),
    }),
    update({ preferred, rejected, text, target, key, lr }) {
      const win = network.score(learned.params, network.augment(preferred, fold(key, 0)), text);
      const lose = network.score(learned.params, network.augment(rejected, fold(key, 1)), text);
      const loss = bradleyTerryLoss(win, lose, target);
      const isDecided = target.ne(0.5).cast("f32");
      const accuracy = win.gt(lose).cast("f32").mul(isDecided).sum().div(isDecided.sum().maximum(1));
      const next = learner.update(learned, loss, lr);
      commit(learned, next);
      return { loss, accuracy, ...updateMetrics(next), lr };
    },
    observe: validate,
    isOver: () => kept?.isOver() ?? Promise.resolve(false),
    async finish(step) {
      if (kept && !await kept.isOver()) await validate(step);
      const best = kept?.params ?? bestParams(learned);
      const seen = await (kept ? measurer(best) : measure)();
      const results = {
        ...(seen ? { ...numbers(seen), held_out_pairs: inputs.heldOut.length } : {}),
        ...(kept ? { best_step: (await kept.record()).step } : {}),
      };
      if (seen) context.note(reliabilityTable(seen.reliability));
      await writeModel(modelPath(config.export, context), network.exported(best), {
        kind: "preference",
        model: network.model,
        vocabulary: vocabulary.toJSON(),
        image_size: size,
        provenance: provenance(context, seed, step, { ...results, ...(seen ? { reliability: seen.reliability } : {}) }),
      });
      return { ...results, ...(seen ? { reliability: seen.reliability } : {}) };
    },
  };
}

function numbers({ loss, accuracy, calibrationError }: PairCalibration): Record<string, number> {
  return { held_out_loss: loss, held_out_accuracy: accuracy, calibration_error: calibrationError };
}
