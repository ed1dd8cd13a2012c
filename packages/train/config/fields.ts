/** The parts that stage configurations are made of. */
import { guidanceSchema } from "@dipp/objectives";
import { PixArtTransformer2DModel, UNet2DConditionModel } from "@dipp/scores";
import { resolvePath } from "./paths.ts";
import { targetExpression } from "@dipp/nn";
import { z } from "zod";

/** A whole number of steps, images and so on, at least one. */
export const count = z.int().positive();

/** An interval in steps; 0 is never. */
export const interval = z.int().nonnegative();

/** A probability or a decay. */
export const unit = z.number().min(0).max(1);

/** How learning goes: AdamW, clipping, schedule, average. */
export const optimizer = z.strictObject({
  lr: z.number().positive(),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  eps: z.number().positive().default(1e-8),
  weight_decay: z.number().nonnegative().default(0),
  max_grad_norm: z.number().positive().nullable().default(1),
  schedule: z.strictObject({
    name: z.enum(["constant", "constant_with_warmup", "linear", "cosine"]).default("constant_with_warmup"),
    warmup_steps: z.int().nonnegative().default(0),
  }).prefault({}),
  ema_decay: z.number().min(0).lt(1).nullable().default(null),
});

/** What the networks that learn multiply: f32, or its rounding to 16 bits (mixed precision); parameters stay f32. */
export const precision = z.enum(["f32", "bf16", "f16"]).default("f32");

/** What products of 16-bit factors are multiplied in; "f16" goes with that precision and needs the adapter's shader-f16. */
export const arithmetic = z.enum(["f32", "f16"]).default("f32");

/** Which weights are learned by small additions, and of what rank; see `LoraConfig` of `@dipp/nn`. */
const lora = z.strictObject({
  rank: count.default(16),
  alpha: z.number().positive().nullable().default(null),
  targets: z.union([z.array(z.string().min(1)).min(1), z.string().min(1)]).default([
    "to_q",
    "to_k",
    "to_v",
    "to_out.0",
  ]),
}).superRefine(({ targets }, context) => {
  if (typeof targets !== "string") return;
  try {
    targetExpression(targets);
  } catch (error) {
    context.addIssue({ code: "custom", path: ["targets"], message: (error as Error).message, input: targets });
  }
}).transform(({ rank, alpha, targets }) => ({ rank, alpha: alpha ?? rank, targets }));

/** How memory is saved: blocks computed again in the backward pass, parts of a batch, additions to frozen weights. */
export const memory = z.strictObject({
  checkpoint: z.boolean().default(false),
  micro_batches: count.default(1),
  lora: lora.nullable().default(null),
}).prefault({});

/** The settings of memory. */
export type MemoryConfig = z.output<typeof memory>;

/** The settings of an optimiser. */
export type OptimizerConfig = z.output<typeof optimizer>;

/** How a network's output is read, and the noise it was trained under. */
export const parameterisation = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("edm"),
    sigma_data: z.number().positive().default(0.5),
    sigma_min: z.number().positive().default(0.002),
    sigma_max: z.number().positive().default(80),
  }),
  ...(["eps", "v", "x0"] as const).map((type) =>
    z.strictObject({
      type: z.literal(type),
      beta_schedule: z.enum(["linear", "scaled_linear"]).default("scaled_linear"),
      beta_start: z.number().positive().default(0.00085),
      beta_end: z.number().positive().lt(1).default(0.012),
      timesteps: count.default(1000),
    })
  ),
]);

/** The settings of a parameterisation. */
export type ParameterisationConfig = z.output<typeof parameterisation>;

/** A text-conditioned network in diffusers' terms. */
export const network = z.strictObject({
  network: z.enum(["dit", "unet"]),
  config: z.record(z.string(), z.unknown()),
}).superRefine(({ network, config }, context) => {
  try {
    network === "dit" ? new PixArtTransformer2DModel(config) : new UNet2DConditionModel(config);
  } catch (error) {
    context.addIssue({
      code: "custom",
      path: ["config"],
      message: error instanceof Error ? error.message : `${error}`,
      input: config,
    });
  }
});

/** How a teacher draws. */
export const sampler = z.strictObject({
  steps: count.default(16),
  guidance: guidanceSchema.prefault({ omega: 1 }),
});

/** How often a run writes what. */
export const reporting = {
  log_every: count.default(1),
  sample_every: interval.default(0),
  sample_count: count.default(32),
  checkpoint: z.strictObject({
    every: interval.default(100),
    keep: count.default(3),
  }).prefault({}),
};

/**
 * Path fields, relative to the configuration file.
 *
 * @param base The directory of the configuration file.
 * @returns A file that must exist, and one that will be written.
 */
export function paths(base: string): { input: z.ZodType<string, string>; output: z.ZodType<string, string> } {
  const output = z.string().min(1).transform((path) => resolvePath(base, path));
  const input = output.refine((path) => isFile(path), { error: "no such file" });
  return { input, output };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
