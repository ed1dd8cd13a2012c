/** The stage that a configuration asks for. */
import type { Config } from "../config/schema.ts";
import type { DataContext, RunContext } from "../run/context.ts";
import { loadData } from "../run/load_data.ts";
import type { Stage } from "../run/stage.ts";
import { checkArithmetic, withArithmetic } from "./arithmetic.ts";
import { clipStage } from "./clip.ts";
import { loadDiffusersModels, planDiffusersModels } from "./diffusers_models.ts";
import { oneStepStage } from "./one_step.ts";
import { oneStepDiffusersStage } from "./one_step_diffusers.ts";
import { preferenceStage } from "./preference.ts";
import { teacherStage } from "./teacher.ts";

/**
 * Builds a stage: loads its data, reads the checkpoints that it starts from, draws initial parameters.
 *
 * @param config A complete configuration.
 * @param context Device, directory.
 * @returns The stage, before its first step.
 * @throws {TypeError} Where the device does not compute in what the configuration says.
 */
export async function makeStage(config: Config, context: RunContext): Promise<Stage> {
  checkArithmetic(config, context);
  return withArithmetic(await stageOf(config, context), config.arithmetic);
}

/**
 * Builds a stage to plan with. Those of full-size models are there in shape only: no weights are read, no memory is
 * taken, nothing can be computed. Others are built as they are.
 *
 * @param config A complete configuration.
 * @param context Device.
 * @returns The stage; its `update`, `phases` and `inputs` are for `explain`.
 */
export async function planStage(config: Config, context: RunContext): Promise<Stage> {
  if (config.stage !== "distill_diffusers" && config.stage !== "align_diffusers") {
    return await makeStage(config, context);
  }
  return withArithmetic(await oneStepDiffusersStage(config, context, planDiffusersModels), config.arithmetic);
}

async function stageOf(config: Config, context: RunContext): Promise<Stage> {
  const withData = async (data: { readonly module: string }): Promise<DataContext> => ({
    ...context,
    data: await loadData(data),
  });
  switch (config.stage) {
    case "teacher":
      return await teacherStage(config, await withData(config.data));
    case "clip":
      return await clipStage(config, await withData(config.data));
    case "preference":
      return await preferenceStage(config, { ...context, data: await loadData(config.data) });
    case "distill":
    case "align":
      return await oneStepStage(config, await withData(config.data));
    case "distill_diffusers":
    case "align_diffusers":
      return await oneStepDiffusersStage(config, context, loadDiffusersModels);
  }
}
