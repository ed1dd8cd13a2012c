/** Something that draws, from any checkpoint that can. */
import { loadParams, type Params, realizeParams } from "@dipp/nn";
import { guided, makeSampleFn, OneStepGenerator, type TextConditionedModel } from "@dipp/scores";
import { compile, key, type Tensor } from "@dipp/tensor";
import type { ParameterisationConfig } from "../config/fields.ts";
import type { Draw } from "../run/sample_pictures.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { ModelFile } from "./model_file.ts";
import { type NetworkConfig, nullCond, samplerFor, scoreModel, textModel, toImages } from "./score_models.ts";

/** A text-conditioned score network from a checkpoint. */
export interface ScoreNetwork {
  /** The network. */
  readonly network: TextConditionedModel;
  /** How its output is read. */
  readonly parameterisation: ParameterisationConfig;
  /** Its words. */
  readonly vocabulary: Vocabulary;
  /** Its parameters in f32, computed, not shared with anything. */
  readonly params: Params;
}

/**
 * Loads the network of a teacher, a generator or a fake score.
 *
 * @param file The checkpoint.
 * @returns The network with its parameters.
 */
export async function loadScoreNetwork(file: ModelFile): Promise<ScoreNetwork> {
  const { description, vocabulary, tensors } = file;
  const network = textModel(description.model as NetworkConfig, vocabulary);
  const params = loadParams<Params>(network.init(key(0)), tensors, { dtype: "f32" });
  await realizeParams(params);
  return { network, vocabulary, params, parameterisation: description.parameterisation as ParameterisationConfig };
}

/**
 * A teacher with its sampler.
 *
 * @param teacher The network.
 * @param steps Steps of the sampler.
 * @param omega Guidance scale, 1 for none.
 * @returns What draws images in [0, 1].
 */
export function teacherDraw(teacher: ScoreNetwork, steps: number, omega: number): Draw {
  const model = guided(
    scoreModel(teacher.parameterisation, teacher.network, teacher.params),
    omega,
    nullCond(teacher.vocabulary),
  );
  const sample = makeSampleFn(model, { sampler: samplerFor(teacher.parameterisation, steps), compile: true });
  return (noise, ids) => toImages(sample(noise, { ids }));
}

/**
 * A one-step generator.
 *
 * @param generator The network.
 * @param sigmaInit The noise level that it is evaluated at.
 * @returns What draws images in [0, 1].
 */
export function generatorDraw(generator: ScoreNetwork, sigmaInit: number): Draw {
  const model = new OneStepGenerator(
    scoreModel(generator.parameterisation, generator.network, generator.params),
    { sigmaInit },
  );
  const draw = compile(({ noise, ids }: { noise: Tensor; ids: Tensor }) => toImages(model.generate(noise, { ids })));
  return (noise, ids) => draw({ noise, ids });
}
