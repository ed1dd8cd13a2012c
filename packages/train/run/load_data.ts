/** The data set that a configuration names. */
import { z } from "zod";
import { ConfigError, configError } from "../config/config_error.ts";
import { toFileUrl } from "../config/paths.ts";
import type { ImageTextData, LoadTrainingData } from "../data.ts";
import type { TrainingData } from "../preferences/training_data.ts";
import { PreferenceFile, type PreferenceFileConfig } from "../preferences/preference_file.ts";

/** A configuration's `data` that names a module: its path, and its options. */
type ModuleConfig = { readonly module: string } & Readonly<Record<string, unknown>>;

/**
 * Imports a data module and loads its data, or reads a file of preferences.
 *
 * @param config The configuration's `data`.
 * @returns The data set.
 * @throws {ConfigError} If the module has no `loadTrainingData`, or refuses an option; if the file is not as it should be.
 */
export function loadData(config: ModuleConfig): Promise<ImageTextData>;
export function loadData(config: ModuleConfig | PreferenceFileConfig): Promise<TrainingData>;
export function loadData(config: ModuleConfig | PreferenceFileConfig): Promise<TrainingData> {
  return isFile(config) ? PreferenceFile.read(config) : loadModule(config);
}

function isFile(config: ModuleConfig | PreferenceFileConfig): config is PreferenceFileConfig {
  return !("module" in config);
}

async function loadModule({ module, ...options }: ModuleConfig): Promise<ImageTextData> {
  const { loadTrainingData } = await import(toFileUrl(module).href) as { loadTrainingData?: LoadTrainingData };
  if (typeof loadTrainingData !== "function") {
    throw new ConfigError(`data.module is ${module}, expected a module with a function loadTrainingData`);
  }
  try {
    return await loadTrainingData(options);
  } catch (error) {
    if (error instanceof z.ZodError) {
      throw configError(error.issues.map((issue) => ({ ...issue, path: ["data", ...issue.path] })), module);
    }
    if (error instanceof RangeError) throw new ConfigError(`data is refused by ${module}: ${error.message}`);
    throw error;
  }
}
