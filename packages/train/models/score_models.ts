/** Score models from configurations. */
import {
  bind,
  type Cond,
  dpmSolverPlusPlus,
  edmModel,
  EDMSchedule,
  epsModel,
  type ForwardOptions,
  type Sampler,
  type ScoreModel,
  TextConditionedModel,
  vModel,
  VPSchedule,
  x0Model,
} from "@dipp/scores";
import type { Params } from "@dipp/nn";
import { type Tensor, tensor } from "@dipp/tensor";
import type { ParameterisationConfig } from "../config/fields.ts";
import type { Vocabulary } from "../vocabulary.ts";

/** A network's kind and its configuration in diffusers' terms. */
export interface NetworkConfig {
  /** PixArt's transformer or Stable Diffusion's UNet. */
  readonly network: "dit" | "unet";
  /** What diffusers would have in `config.json`. */
  readonly config: Record<string, unknown>;
}

/**
 * A text-conditioned network for a vocabulary.
 *
 * @param network Its kind and size.
 * @param vocabulary The words that it embeds.
 * @returns The network; its parameters are separate.
 */
export function textModel(network: NetworkConfig, vocabulary: Vocabulary): TextConditionedModel {
  return new TextConditionedModel({
    ...network,
    vocabulary_size: vocabulary.size,
    max_length: vocabulary.maxLength,
  });
}

/**
 * What a network says about noise, by its parameterisation.
 *
 * @param config The parameterisation.
 * @param network The network.
 * @param params Its parameters, which may be expressions.
 * @param options Whether blocks are computed again in the backward pass.
 * @returns The score model.
 */
export function scoreModel(
  config: ParameterisationConfig,
  network: TextConditionedModel,
  params: Params,
  options: ForwardOptions = {},
): ScoreModel {
  const fn = bind(network, params as Record<string, Params>, options);
  if (config.type === "edm") {
    return edmModel(fn, { sigmaData: config.sigma_data, schedule: edmSchedule(config) });
  }
  const model = { eps: epsModel, v: vModel, x0: x0Model }[config.type];
  return model(fn, vpSchedule(config));
}

/**
 * DPM-Solver++ for a parameterisation's schedule.
 *
 * @param config The parameterisation.
 * @param steps Evaluations of the model.
 * @returns The sampler.
 */
export function samplerFor(config: ParameterisationConfig, steps: number): Sampler {
  return config.type === "edm"
    ? dpmSolverPlusPlus(edmSchedule(config), { steps })
    : dpmSolverPlusPlus(vpSchedule(config), { steps, useKarrasSigmas: true });
}

/** The condition of no prompt, one row. */
export function nullCond(vocabulary: Vocabulary): Cond {
  return { ids: tensor(vocabulary.nullPrompt(), [1, vocabulary.maxLength]) };
}

/** Network output in [-1, 1] to images in [0, 1]. */
export function toImages(x0: Tensor): Tensor {
  return x0.mul(0.5).add(0.5).clamp(0, 1);
}

function edmSchedule(config: ParameterisationConfig & { type: "edm" }): EDMSchedule {
  return new EDMSchedule({ sigmaMin: config.sigma_min, sigmaMax: config.sigma_max });
}

function vpSchedule(config: Exclude<ParameterisationConfig, { type: "edm" }>): VPSchedule {
  return new VPSchedule({
    numTrainTimesteps: config.timesteps,
    betaSchedule: config.beta_schedule,
    betaStart: config.beta_start,
    betaEnd: config.beta_end,
  });
}
