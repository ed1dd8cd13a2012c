/** The data set that a configuration names. */
import { z } from "zod";
import { ConfigError, configError } from "../config/config_error.ts";
import { toFileUrl } from "../config/paths.ts";
import type { ImageTextData, LoadTrainingData } from "../data.ts";

/**
 * Imports a data module and loads its data.
 *
 * @param config The configuration's `data`: the module's path, and its options.
 * @returns The data set.
 * @throws {ConfigError} If the module has no `loadTrainingData`, or refuses an option.
 */
export async function loadData(
  config: { readonly module: string } & Readonly<Record<string, unknown>>,
): Promise<ImageTextData> {
  const { module, ...options } = config;
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
