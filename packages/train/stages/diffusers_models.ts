/** The models that a one-step generator of a diffusers directory is trained with: loaded, or in shape only. */
import { type Params, realizeParams } from "@dipp/nn";
import {
  architecture,
  type AutoencoderKLParams,
  DiffusersDirectory,
  type ImageSize,
  LatentDecoder,
  LatentDiffusion,
  loadComponent,
  type OneStepGeneratorOptions,
} from "@dipp/scores";
import { key, type Tensor, treeLeaves } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import type { StageConfig } from "../config/schema.ts";
import { generatorOf } from "../diffusers/generator_index.ts";
import { openPrompts, planPrompts, type PromptStream } from "../diffusers/prompt_stream.ts";
import { loadTrainingReward, planTrainingReward, type TrainingReward } from "../models/training_reward.ts";
import { type Materialise, placeholders } from "../run/materialise.ts";

/** The stages that train a one-step generator of a diffusers directory. */
export type DiffusersConfig = StageConfig<"distill_diffusers"> | StageConfig<"align_diffusers">;

/** Everything that takes part. */
export interface DiffusersModels {
  /** Networks and scheduler. */
  readonly diffusion: LatentDiffusion;
  /** Size of the images. */
  readonly size: ImageSize;
  /** Where the generator evaluates its network. */
  readonly generator: OneStepGeneratorOptions;
  /** The reference diffusion's parameters, frozen. */
  readonly teacher: Params;
  /** The autoencoder's parameters, frozen. */
  readonly vae: Params;
  /** From latents to images. */
  readonly decoder: LatentDecoder;
  /** The reward, where there is one. */
  readonly reward: TrainingReward | undefined;
  /** Whether they are there in shape only. */
  readonly plansOnly: boolean;
  /** What makes state of expressions. */
  readonly materialise: Materialise;
  /** The prompts of steps of so many; to be disposed of. */
  prompts(batchSize: number): Promise<PromptStream>;
  /** The parameters that one of those that learn begins with, in f32. */
  initial(who: "generator" | "fake"): Promise<Params>;
  /** Lets go of them. */
  release(params: Params): void;
}

/** Makes models of a configuration. */
export type MakeDiffusersModels = (config: DiffusersConfig) => Promise<DiffusersModels>;

/**
 * Loads the models.
 *
 * @param config The configuration.
 * @returns The models, on the device, but for those that learn.
 * @throws {ConfigError} If something is missing, broken, or does not fit; the error names the key.
 */
export async function loadDiffusersModels(config: DiffusersConfig): Promise<DiffusersModels> {
  const diffusion = await at(
    "model",
    config.model,
    async (path) => await LatentDiffusion.describe(await DiffusersDirectory.open(path)),
  );
  const size = imageSize(config, diffusion);
  const dtype = frozenType(config);
  const generator = await generatorOptions(config);
  const teacher = await at("model", config.model, () => diffusion.loadParams({ dtype }));
  const vae = await at("model", config.model, async () => (await diffusion.directory.load("vae", { dtype })).params);
  return {
    diffusion,
    size,
    generator,
    teacher,
    vae,
    decoder: decoderOf(config, diffusion, vae),
    reward: config.reward === null ? undefined : await loadTrainingReward({ ...config.reward, dtype }),
    plansOnly: false,
    materialise: realizeParams,
    prompts: (batchSize) => openPrompts(config.prompts, diffusion, { batchSize, seed: config.seed }),
    initial: (who) => initial(config, diffusion, who),
    release: (params) => treeLeaves<Tensor>(params).forEach((leaf) => leaf.dispose()),
  };
}

/**
 * The same in shape only: nothing is read but configurations, and nothing takes memory. Where the model's directory is
 * not there, the architecture that the configuration names stands in for it.
 *
 * @param config The configuration.
 * @returns The models, for plans.
 * @throws {ConfigError} If there is neither a directory nor an architecture, or a size does not fit.
 */
export async function planDiffusersModels(config: DiffusersConfig): Promise<DiffusersModels> {
  const diffusion = await LatentDiffusion.describe(await describedDirectory(config));
  const size = imageSize(config, diffusion);
  const dtype = frozenType(config);
  const typed = await placeholders(diffusion.network.init(key(0)));
  const frozen = (params: Params) => placeholders(params, dtype);
  const vae = await frozen(diffusion.vae.init(key(0)));
  const { t, sigma_init, input } = config.generator;
  return {
    diffusion,
    size,
    generator: optionsOf(t, sigma_init, input),
    teacher: await frozen(typed),
    vae,
    decoder: decoderOf(config, diffusion, vae),
    reward: config.reward === null ? undefined : await planTrainingReward({ ...config.reward, dtype }),
    plansOnly: true,
    materialise: placeholders,
    prompts: (batchSize) => Promise.resolve(planPrompts(diffusion, batchSize)),
    initial: () => Promise.resolve(typed),
    release: () => {},
  };
}

async function describedDirectory({ model, architecture: name }: DiffusersConfig): Promise<DiffusersDirectory> {
  const isThere = await Deno.stat(`${model}/model_index.json`).then(() => true, () => false);
  if (isThere) return await at("model", model, (path) => DiffusersDirectory.open(path));
  if (name !== null) return architecture(name);
  throw new ConfigError(`model is ${model}, where there is no model_index.json, and no architecture is named instead`);
}

/** Frozen weights are rounded as the products that they enter are. */
function frozenType({ frozen_dtype, precision }: DiffusersConfig): "f32" | "f16" | "bf16" {
  return frozen_dtype ?? precision;
}

function imageSize({ size }: DiffusersConfig, diffusion: LatentDiffusion): ImageSize {
  const own = size ?? diffusion.imageSize;
  try {
    diffusion.latentShape(1, own);
  } catch (error) {
    throw new ConfigError(`size is ${JSON.stringify(size)}: ${(error as Error).message}`);
  }
  return own;
}

function decoderOf({ decoder: { checkpoint, tile } }: DiffusersConfig, { vae }: LatentDiffusion, params: Params) {
  return new LatentDecoder(vae, params as AutoencoderKLParams, { checkpoint, ...(tile !== null && { tile }) });
}

/** What the configuration says, else what the checkpoint to begin with says, else sigma 2.5. */
async function generatorOptions({ generator, memory }: DiffusersConfig): Promise<OneStepGeneratorOptions> {
  const { checkpoint, t, sigma_init, input } = generator;
  if (memory.lora === null && checkpoint !== null && t === null && sigma_init === null && input === null) {
    const own = generatorOf(await at("generator.checkpoint", checkpoint, (path) => DiffusersDirectory.open(path)));
    if (own) return own;
  }
  return optionsOf(t, sigma_init, input);
}

function optionsOf(t: number | null, sigmaInit: number | null, input: "vp" | "unit" | null): OneStepGeneratorOptions {
  return { ...(t === null ? { sigmaInit: sigmaInit ?? 2.5 } : { t }), input: input ?? "vp" };
}

async function initial(config: DiffusersConfig, diffusion: LatentDiffusion, who: "generator" | "fake") {
  const { checkpoint } = config[who];
  const name = checkpoint === null ? "model" : `${who}.checkpoint`;
  return await at(name, checkpoint ?? config.model, async (path) => {
    const { component, described, network: { config: expected } } = diffusion;
    const { params, network } = await loadComponent(`${path}/${component}`, {
      className: described.className,
      dtype: "f32",
    });
    if (JSON.stringify(network.config) === JSON.stringify(expected)) return params;
    throw new TypeError(`its ${component} has another configuration than the teacher's`);
  });
}

/** Names the key where something is wrong with what it names. */
async function at<Result>(name: string, path: string, open: (path: string) => Promise<Result>): Promise<Result> {
  try {
    return await open(path);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new ConfigError(`${name} is ${path}: ${error.message}`);
  }
}
