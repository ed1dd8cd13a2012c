import { z } from "zod";
import { type Guidance, guidance, type GuidanceInput, guidanceSchema } from "./guidance.ts";
import { type NoiseWeight, type NoiseWeightInput, noiseWeightSchema } from "./noise_weight.ts";
import type { Term } from "./term.ts";
import { type TimeDistribution, type TimeDistributionInput, timeDistributionSchema } from "./time_distribution.ts";

/** What the configuration of every objective with a reference diffusion holds. */
export interface DiffusionConfig {
  /** Classifier-free guidance of the teacher. */
  readonly guidance: Guidance;
  /** pi(t) of the generator's step. */
  readonly time: TimeDistribution;
}

/** What the configuration of every objective with a reward holds. */
export interface RewardedConfig {
  /** Weight of the explicit reward, a number an image; 0 asks for no reward model. */
  readonly alpha_rew: number;
}

/** A configuration before its defaults are filled in: everything but the name may be left out. */
export type InputOf<Config> =
  & { readonly [K in keyof Config as K extends "name" ? K : never]: Config[K] }
  & { readonly [K in keyof Config as K extends "name" ? never : K]?: FieldInput<Config[K]> };

/** A field of a configuration as one may write it: in one convention, or by a bare name. */
export type FieldInput<Field> = Field extends Guidance ? GuidanceInput
  : Field extends TimeDistribution ? TimeDistributionInput
  : Field extends NoiseWeight ? NoiseWeightInput
  : Field;

/** Checks a configuration and fills in its defaults. */
export type ConfigSchema<Config> = z.ZodType<Config, InputOf<Config>>;

/** How to make an objective: its terms, and the guidance that they see the networks under. */
export interface Recipe {
  /** The summands; further ones may be added. */
  readonly terms: readonly Term[];
  /** The teacher's guidance; none by default. */
  readonly guidance?: Guidance;
  /** The fake score's; none by default. */
  readonly fakeGuidance?: Guidance;
  /** Whether the fake score is trained under its guidance too. */
  readonly trainsFakeGuided?: boolean;
}

/** A field of guidance, none by default. */
export const guidanceField = guidanceSchema.default(guidance({ alpha: 0 }));

/** The fields of {@linkcode DiffusionConfig}. */
export const diffusionFields = {
  guidance: guidanceField,
  time: timeDistributionSchema.prefault({ name: "log_normal" }),
};

/** A field of a noise weight. */
export function weightField(name: NoiseWeight["name"]): z.ZodPrefault<typeof noiseWeightSchema> {
  return noiseWeightSchema.prefault(name);
}

/** The field of {@linkcode RewardedConfig}. */
export const rewardField = { alpha_rew: z.number().nonnegative().default(0) };
