import { z } from "zod";
import type { Guidance } from "./guidance.ts";
import { guidanceSchema } from "./guidance.ts";
import {
  type ConfigSchema,
  type DiffusionConfig,
  diffusionFields,
  type Recipe,
  type RewardedConfig,
  rewardField,
} from "./recipe.ts";
import { rewardTerm } from "./reward_term.ts";
import { sidTerm } from "./sid.ts";

/** The configuration of {@linkcode sidLsg}. */
export interface SiDLSGConfig extends DiffusionConfig, RewardedConfig {
  /** Score identity distillation with long-short guidance. */
  readonly name: "sid_lsg";
  /** The fake score's guidance, evaluated and trained; the teacher's by default. */
  readonly fake_guidance: Guidance;
}

/** What a {@linkcode SiDLSGConfig} must look like. */
export const sidLsgSchema: ConfigSchema<SiDLSGConfig> = z.strictObject({
  name: z.literal("sid_lsg"),
  ...rewardField,
  ...diffusionFields,
  fake_guidance: guidanceSchema.optional(),
}).transform(({ fake_guidance, ...config }) => ({ ...config, fake_guidance: fake_guidance ?? config.guidance }));

/**
 * SiD with long-short guidance (Zhou et al., arXiv 2406.01561): SiD at alpha 1,
 *
 *     <x~_ref - x~_fake, x~_fake - x0> / SG[mean |x0 - x~_ref|]
 *
 * with both networks guided. The fake score is trained under its guidance too, and needs null prompts for it.
 */
export function sidLsg({ guidance, fake_guidance, alpha_rew }: SiDLSGConfig): Recipe {
  const terms = [sidTerm(1), ...(alpha_rew > 0 ? [rewardTerm(alpha_rew)] : [])];
  return { terms, guidance, fakeGuidance: fake_guidance, trainsFakeGuided: true };
}
