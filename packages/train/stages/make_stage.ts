/** The stage that a configuration asks for. */
import type { Config } from "../config/schema.ts";
import type { TrainingData } from "../data.ts";
import { PreferenceFile } from "../preferences/preference_file.ts";
import type { RunContext } from "../run/context.ts";
import type { Stage } from "../run/stage.ts";
import { checkArithmetic, withArithmetic } from "./arithmetic.ts";
import { clipStage } from "./clip.ts";
import { oneStepStage } from "./one_step.ts";
import { preferenceStage } from "./preference.ts";
import { teacherStage } from "./teacher.ts";

/**
 * Builds a stage: reads the checkpoints that it starts from, draws initial parameters.
 *
 * @param config A complete configuration.
 * @param context Data, device, directory.
 * @returns The stage, before its first step.
 * @throws {TypeError} Where the device does not compute in what the configuration says.
 */
export async function makeStage(config: Config, context: RunContext<TrainingData>): Promise<Stage> {
  checkArithmetic(config, context);
  return withArithmetic(await stageOf(config, context), config.arithmetic);
}

function stageOf(config: Config, context: RunContext<TrainingData>): Promise<Stage> {
  if (config.stage === "preference") return preferenceStage(config, context);
  const { data } = context;
  if (data instanceof PreferenceFile) {
    throw new TypeError(`Stage ${config.stage} learns from images with prompts, but its data is ${data.source}`);
  }
  const own: RunContext = { ...context, data };
  switch (config.stage) {
    case "teacher":
      return teacherStage(config, own);
    case "clip":
      return clipStage(config, own);
    case "distill":
    case "align":
      return oneStepStage(config, own);
  }
}
