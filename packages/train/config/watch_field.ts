/** What a configuration says of watching for reward hacking. */
import { z } from "zod";
import { PROMPT_SETS } from "../evaluate/prompt_set.ts";
import { count } from "./fields.ts";

/**
 * The field: what is measured every so many steps, on which prompts, and when that ends the run.
 *
 * @param input The field of a file that must exist.
 */
// deno-lint-ignore explicit-function-return-type
export function watchField(input: z.ZodType<string, string>) {
  return z.strictObject({
    every: count,
    prompts: z.union([count, z.enum(PROMPT_SETS as [string, ...string[]]), input]).default(32),
    images_per_prompt: count.default(4),
    seed: z.int().nonnegative().default(1),
    metrics: z.array(z.string()).min(1).nullable().default(null),
    held_out: z.string().nullable().default(null),
    stop: z.strictObject({
      parted: count.nullable().default(3),
      below: z.record(z.string(), z.number().positive()).default({}),
      restore: z.boolean().default(true),
    }).nullable().default(null),
  });
}

/** The settings of a watch. */
export type WatchConfig = z.output<ReturnType<typeof watchField>>;
