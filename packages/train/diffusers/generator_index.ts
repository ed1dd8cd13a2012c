/** What `model_index.json` says of a one-step generator. */
import type { DiffusersDirectory, OneStepGeneratorOptions } from "@dipp/scores";
import { z } from "zod";

/** Where a one-step generator evaluates its network. Diffusers passes over names that begin with an underscore. */
export const GENERATOR_KEY = "_dipp_generator";

const schema = z.strictObject({ t: z.int().nonnegative(), input: z.enum(["vp", "unit"]) });

/** A generator's fixed timestep, and what it is fed: a noised zero image, or the noise itself. */
export type GeneratorIndex = z.output<typeof schema>;

/**
 * Reads whether a directory is of a one-step generator.
 *
 * @param directory The directory.
 * @returns Where it evaluates its network; undefined for any other directory.
 * @throws {TypeError} If what is said is not understood.
 */
export function generatorOf({ index, path }: Pick<DiffusersDirectory, "index" | "path">):
  | OneStepGeneratorOptions
  | undefined {
  const value = index[GENERATOR_KEY];
  if (value === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new TypeError(
    `${path}/model_index.json has ${GENERATOR_KEY} ${JSON.stringify(value)}, expected { "t": timestep, "input": "vp" }`,
  );
}
