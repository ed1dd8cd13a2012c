/** What the configuration of a one-step generator made of a diffusers directory must look like. */
import { fakeScoreLossSchema, objectiveSchema } from "@dipp/objectives";
import { ARCHITECTURE_NAMES } from "@dipp/scores";
import { z } from "zod";
import { REWARD_NAMES } from "../models/training_reward.ts";
import { arithmetic, count, memory, optimizer, precision, reporting, unit } from "./fields.ts";

/** Timesteps and plain noise matching, where nothing else is said: what SiD-LSG does with Stable Diffusion. */
const TIMESTEPS = { name: "uniform" };

/** Noise levels, the default of everything else, are none of a discrete schedule. */
const objective = z.preprocess(
  (value) => isObject(value) && !("time" in value) && hasTime(value.name) ? { time: TIMESTEPS, ...value } : value,
  objectiveSchema,
);

const loss = z.preprocess(
  (value) => isObject(value) ? { target: "eps", weight: "constant", time: TIMESTEPS, ...value } : value,
  fakeScoreLossSchema,
);

/**
 * The fields of both stages.
 *
 * @param output Paths, relative to the configuration file; whether something is there is found out when it is opened,
 *   since a dry run needs nothing.
 */
// deno-lint-ignore explicit-function-return-type
export function diffusersStages(output: z.ZodType<string, string>) {
  const reward = z.strictObject({
    name: z.enum(REWARD_NAMES as [string, ...string[]]),
    weights: output.nullable().default(null),
  });
  const common = {
    seed: z.int().nonnegative().default(0),
    steps: count,
    batch_size: count,
    precision,
    arithmetic,
    ...reporting,
    sample_count: count.default(8),
    model: output,
    architecture: z.enum(ARCHITECTURE_NAMES as [string, ...string[]]).nullable().default(null),
    prompts: output,
    size: z.strictObject({ height: count, width: count }).nullable().default(null),
    memory,
    frozen_dtype: z.enum(["f32", "f16", "bf16"]).nullable().default(null),
    decoder: z.strictObject({ checkpoint: z.boolean().default(true), tile: count.nullable().default(null) }).prefault(
      {},
    ),
    generator: z.strictObject({
      checkpoint: output.nullable().default(null),
      t: z.int().nonnegative().nullable().default(null),
      sigma_init: z.number().positive().nullable().default(null),
      input: z.enum(["vp", "unit"]).nullable().default(null),
      every: count.default(1),
      optimizer,
    }).refine(({ t, sigma_init }) => t === null || sigma_init === null, {
      error: "t and sigma_init both say where the generator is evaluated, expected one of them",
      path: ["sigma_init"],
    }),
    fake: z.strictObject({
      checkpoint: output.nullable().default(null),
      updates: count.default(1),
      warmup_steps: z.int().nonnegative().default(0),
      export: output.nullable().default(null),
      loss: loss.prefault({}),
      null_probability: unit.default(0),
      optimizer,
    }),
    export: output.nullable().default(null),
    export_dtype: z.enum(["f32", "f16", "bf16"]).default("bf16"),
  };
  return [
    z.strictObject({
      stage: z.literal("distill_diffusers"),
      ...common,
      reward: reward.nullable().default(null),
      objective: objective.prefault({}).refine((o) => !("alpha_rew" in o) || o.alpha_rew === 0, {
        error: "distillation has no reward, expected 0",
        path: ["alpha_rew"],
      }),
    }),
    z.strictObject({ stage: z.literal("align_diffusers"), ...common, reward, objective }),
  ] as const;
}

/** Objectives without a diffusion have no time. */
function hasTime(name: unknown): boolean {
  return name !== "refl" && name !== "draft1";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
