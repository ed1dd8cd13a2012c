/** What the configuration of each stage must look like. */
import { fakeScoreLossSchema, objectiveSchema } from "@dipp/objectives";
import { bradleyTerrySchema, contrastiveSchema } from "@dipp/rewards";
import { z } from "zod";
import { frozenClipSchema } from "../models/frozen_clip.ts";
import { preferenceFileSchema } from "../preferences/preference_file.ts";
import { diffusersStages } from "./diffusers_schema.ts";
import {
  arithmetic,
  count,
  memory,
  network,
  optimizer,
  parameterisation,
  paths,
  precision,
  reporting,
  sampler,
  unit,
} from "./fields.ts";
import { rewardSchema } from "./reward_schema.ts";
import { watchField } from "./watch_field.ts";

/** What the measurement at the end of a run looks at. */
const evaluation = z.strictObject({
  seed: z.int().nonnegative().default(1),
  images_per_prompt: count.default(2),
  train_prompts: z.int().nonnegative().default(64),
  batch_size: count.default(32),
  models: z.array(z.enum(["before", "after", "teacher"])).min(1).default(["before", "after", "teacher"]),
});

/**
 * The schema of a configuration file.
 *
 * @param base Directory that relative paths start from.
 * @returns One strict object a stage, told apart by `stage`.
 */
// deno-lint-ignore explicit-function-return-type
export function configSchema(base: string) {
  const { input, output } = paths(base);
  const reward = rewardSchema(input, output);
  const common = {
    seed: z.int().nonnegative().default(0),
    steps: count,
    batch_size: count,
    precision,
    arithmetic,
    data: z.looseObject({ module: input }),
    ...reporting,
    export: output.nullable().default(null),
  };
  const oneStep = {
    ...common,
    memory,
    teacher: input,
    generator: z.strictObject({
      checkpoint: input.nullable().default(null),
      sigma_init: z.number().positive().nullable().default(null),
      every: count.default(1),
      optimizer,
    }),
    fake: z.strictObject({
      checkpoint: input.nullable().default(null),
      updates: count.default(1),
      warmup_steps: z.int().nonnegative().default(0),
      export: output.nullable().default(null),
      loss: fakeScoreLossSchema.prefault({}),
      null_probability: unit.default(0),
      optimizer,
    }),
    clip: input.nullable().default(null),
    held_out_reward: reward.nullable().default(null),
    sampler: sampler.prefault({}),
    evaluation: evaluation.prefault({}),
    watch: watchField(input).nullable().default(null),
  };
  return z.discriminatedUnion("stage", [
    z.strictObject({
      stage: z.literal("teacher"),
      ...common,
      model: network,
      parameterisation,
      loss: fakeScoreLossSchema.prefault({}),
      null_probability: unit.default(0.1),
      optimizer,
      sampler: sampler.prefault({}),
    }),
    z.strictObject({ stage: z.literal("clip"), ...common, model: contrastiveSchema, optimizer, augment }),
    z.strictObject({
      stage: z.literal("preference"),
      ...common,
      data: z.union([preferenceFileSchema(input), common.data]),
      model: z.union([frozenClipSchema(output), bradleyTerrySchema]),
      early_stopping: earlyStopping,
      optimizer,
      augment,
    }),
    z.strictObject({
      stage: z.literal("distill"),
      ...oneStep,
      reward: reward.nullable().default(null),
      objective: objectiveSchema.prefault({}).refine((o) => !("alpha_rew" in o) || o.alpha_rew === 0, {
        error: "distillation has no reward, expected 0",
        path: ["alpha_rew"],
      }),
    }),
    z.strictObject({
      stage: z.literal("align"),
      ...oneStep,
      reward,
      objective: objectiveSchema,
    }),
    ...diffusersStages(output),
  ]).superRefine((config, context) => {
    if (!("memory" in config) || config.batch_size % config.memory.micro_batches === 0) return;
    context.addIssue({
      code: "custom",
      path: ["memory", "micro_batches"],
      message: `expected a divisor of batch_size, which is ${config.batch_size}`,
      input: config.memory.micro_batches,
    });
  }).superRefine(({ arithmetic, precision }, context) => {
    if (arithmetic === "f32" || precision === "f16") return;
    context.addIssue({
      code: "custom",
      path: ["arithmetic"],
      message: `with precision "${precision}" there are no f16 factors to multiply, expected "f32"`,
      input: arithmetic,
    });
  });
}

/** When to stop before the last step: after `patience` looks, one every `every` steps, without a lower held-out loss. */
const earlyStopping = z.strictObject({
  every: count.default(20),
  patience: count.default(5),
}).nullable().default(null);

/** Random changes of the images that a judge learns from. */
const augment = z.strictObject({
  shift: z.int().nonnegative().default(0),
  flip: z.boolean().default(false),
  brightness: z.number().nonnegative().default(0),
  contrast: z.number().nonnegative().default(0),
  noise: z.number().nonnegative().default(0),
}).prefault({});

/** A complete configuration of any stage. */
export type Config = z.output<ReturnType<typeof configSchema>>;

/** A complete configuration of one stage. */
export type StageConfig<Name extends Config["stage"]> = Extract<Config, { stage: Name }>;
