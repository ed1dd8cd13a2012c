/** The models that a one-step generator is trained with, from their checkpoints. */
import type { ImageTextEncoder } from "@dipp/rewards";
import { ConfigError } from "../config/config_error.ts";
import type { StageConfig } from "../config/schema.ts";
import { loadScoreNetwork, type ScoreNetwork } from "../models/drawer.ts";
import { type ConfiguredReward, makeReward } from "../models/configured_reward.ts";
import { loadEncoder } from "../models/judges.ts";
import type { ModelKind } from "../models/model_description.ts";
import { type ModelFile, readModel } from "../models/model_file.ts";

/** The stages that train a one-step generator. */
export type OneStepConfig = StageConfig<"distill"> | StageConfig<"align">;

/** Everything that takes part, in f32. */
export interface OneStepModels {
  /** The reference diffusion, frozen. */
  readonly teacher: ScoreNetwork;
  /** The generator to begin with. */
  readonly generator: ScoreNetwork;
  /** A second copy of it, to compare with in the end; the teacher itself where additions are learned. */
  readonly before: ScoreNetwork;
  /** The fake score to begin with. */
  readonly fake: ScoreNetwork;
  /** The noise level that the generator is evaluated at. */
  readonly sigmaInit: number;
  /** The reward, where there is one. */
  readonly reward?: ConfiguredReward;
  /** The contrastive model, where there is one. */
  readonly encoder?: ImageTextEncoder;
}

/**
 * Reads all checkpoints and makes sure that they belong together.
 *
 * @param config The configuration.
 * @param imageSize Side of the data's images.
 * @returns The models; a generator or a fake score without a checkpoint starts as the teacher.
 * @throws {ConfigError} If a checkpoint cannot be read, is of another kind, or does not fit the teacher.
 */
export async function loadOneStepModels(config: OneStepConfig, imageSize: number): Promise<OneStepModels> {
  const teacher = await read("teacher", config.teacher, ["teacher"]);
  // Where additions are learned, checkpoints hold additions: the networks are the teacher's
  const adds = config.memory.lora !== null;
  const generator = adds || config.generator.checkpoint === null
    ? teacher
    : await read("generator.checkpoint", config.generator.checkpoint, ["generator", "teacher"]);
  const fake = adds || config.fake.checkpoint === null
    ? teacher
    : await read("fake.checkpoint", config.fake.checkpoint, ["fake", "teacher"]);
  const clip = config.clip === null ? undefined : await read("clip", config.clip, ["clip"]);

  for (const [path, file] of Object.entries({ "generator.checkpoint": generator, "fake.checkpoint": fake })) {
    expectSame(path, file, teacher, "model");
    expectSame(path, file, teacher, "parameterisation");
  }
  for (const [path, file] of Object.entries({ generator, fake, clip })) {
    if (file) expectSame(path, file, teacher, "vocabulary");
  }
  const { image_size } = teacher.description;
  if (image_size !== imageSize) {
    throw new ConfigError(`teacher draws ${image_size}x${image_size} images, but the data's are ${imageSize} wide`);
  }
  const rewardContext = { vocabulary: teacher.vocabulary, imageSize, batchSize: config.batch_size };
  const sigmaInit = config.generator.sigma_init ?? generator.description.sigma_init ?? 2.5;
  const reference = await loadScoreNetwork(teacher);
  const load = (file: ModelFile) => adds ? reference : loadScoreNetwork(file);
  return {
    teacher: reference,
    generator: await load(generator),
    before: await load(generator),
    fake: await load(fake),
    sigmaInit,
    ...(config.reward === null ? {} : { reward: await makeReward(config.reward, rewardContext) }),
    ...(clip ? { encoder: await loadEncoder(clip) } : {}),
  };
}

async function read(path: string, file: string, kinds: readonly ModelKind[]): Promise<ModelFile> {
  try {
    return await readModel(file, kinds);
  } catch (error) {
    throw new ConfigError(`${path} is ${file}: ${(error as Error).message}`);
  }
}

function expectSame(
  path: string,
  file: ModelFile,
  teacher: ModelFile,
  what: "model" | "parameterisation" | "vocabulary",
): void {
  const [own, wanted] = [file, teacher].map((f) => JSON.stringify(f.description[what]));
  if (own === wanted) return;
  const show = (text: string) => text.length > 120 ? `${text.slice(0, 117)}...` : text;
  throw new ConfigError(
    `${path} is ${file.path}, which has the ${what} ${show(own)}, expected the teacher's, ${show(wanted)}`,
  );
}
