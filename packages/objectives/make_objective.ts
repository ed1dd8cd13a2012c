import { fold, randn, type Tensor } from "@dipp/tensor";
import { z } from "zod";
import { diffInstruct, type DiffInstructConfig, diffInstructSchema } from "./diff_instruct.ts";
import { diffInstructPP, type DiffInstructPPConfig, diffInstructPPSchema } from "./diff_instruct_pp.ts";
import { diffInstructStar, type DiffInstructStarConfig, diffInstructStarSchema } from "./diff_instruct_star.ts";
import { dmd, dmd2Schema, type DMDConfig, dmdSchema } from "./dmd.ts";
import { draft1, type DRaFT1Config, draft1Schema } from "./draft1.ts";
import { guidance } from "./guidance.ts";
import type { Objective } from "./objective.ts";
import type { ConfigSchema, InputOf, Recipe } from "./recipe.ts";
import { refl, type ReFLConfig, reflSchema } from "./refl.ts";
import { sds, type SDSConfig, sdsSchema } from "./sds.ts";
import { sid, type SiDConfig, sidSchema } from "./sid.ts";
import { sidLsg, type SiDLSGConfig, sidLsgSchema } from "./sid_lsg.ts";
import { sim, type SIMConfig, simSchema } from "./sim.ts";
import { neededModels, sumTerms } from "./sum_terms.ts";
import type { Term } from "./term.ts";
import { drawTimes, type TimeDistribution, timeDistributionSchema } from "./time_distribution.ts";
import { vsd, type VSDConfig, vsdSchema } from "./vsd.ts";

/** The configuration of an objective, complete; `name` says which. */
export type ObjectiveConfig =
  | SDSConfig
  | VSDConfig
  | DiffInstructConfig
  | DiffInstructPPConfig
  | (DMDConfig & { readonly name: "dmd" })
  | (DMDConfig & { readonly name: "dmd2" })
  | SiDConfig
  | SiDLSGConfig
  | SIMConfig
  | DiffInstructStarConfig
  | ReFLConfig
  | DRaFT1Config;

/** The names of the objectives. */
export type ObjectiveName = ObjectiveConfig["name"];

/** The configuration of the objective of a name. */
export type ConfigOf<Name extends ObjectiveName> = Extract<ObjectiveConfig, { readonly name: Name }>;

/** An {@linkcode ObjectiveConfig} before its defaults are filled in; without a name it is DI++'s. */
export type ObjectiveInput =
  | { readonly [Name in ObjectiveName]: InputOf<ConfigOf<Name>> }[ObjectiveName]
  | (Omit<InputOf<DiffInstructPPConfig>, "name"> & { readonly name?: undefined });

/** Every objective by its name: what its configuration must look like, and what it is made of. */
const FAMILY: {
  readonly [Name in ObjectiveName]: {
    readonly schema: ConfigSchema<ConfigOf<Name>>;
    readonly recipe: (config: ConfigOf<Name>) => Recipe;
  };
} = {
  sds: { schema: sdsSchema, recipe: sds },
  vsd: { schema: vsdSchema, recipe: vsd },
  ikl: { schema: diffInstructSchema, recipe: diffInstruct },
  dipp: { schema: diffInstructPPSchema, recipe: diffInstructPP },
  dmd: { schema: dmdSchema, recipe: dmd },
  dmd2: { schema: dmd2Schema, recipe: dmd },
  sid: { schema: sidSchema, recipe: sid },
  sid_lsg: { schema: sidLsgSchema, recipe: sidLsg },
  sim: { schema: simSchema, recipe: sim },
  distar: { schema: diffInstructStarSchema, recipe: diffInstructStar },
  refl: { schema: reflSchema, recipe: refl },
  draft1: { schema: draft1Schema, recipe: draft1 },
};

/** The names of all objectives. */
export const OBJECTIVE_NAMES: readonly ObjectiveName[] = Object.keys(FAMILY) as ObjectiveName[];

type Discriminable = z.ZodObject<{ name: z.ZodLiteral<ObjectiveName> }>;

/** What an {@linkcode ObjectiveInput} must look like, and its defaults. */
export const objectiveSchema: z.ZodType<ObjectiveConfig, ObjectiveInput> = z.preprocess(
  (value) => isObject(value) && value.name === undefined ? { ...value, name: "dipp" } : value,
  z.discriminatedUnion(
    "name",
    Object.values(FAMILY).map(({ schema }) => schema as unknown as Discriminable) as [Discriminable],
  ),
) as unknown as z.ZodType<ObjectiveConfig, ObjectiveInput>;

/**
 * Makes an objective from its configuration.
 *
 * @param config the name and what differs from its defaults; DI++ without a name
 * @param more terms to add: a GAN, a regression, one of your own
 * @returns the objective
 * @throws {z.ZodError} when the configuration is refused
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { makeObjective } from "@dipp/objectives";
 *
 * const objective = makeObjective({ name: "dipp", alpha_rew: 10, guidance: { omega: 1.5 } });
 * assertEquals(objective.config.guidance, { alpha: 0.5, omega: 1.5 });
 * assertEquals(objective.needs, ["teacher", "fake", "reward"]);
 * assertEquals(makeObjective({ name: "draft1" }).needs, ["reward"]);
 * ```
 */
export function makeObjective<Name extends ObjectiveName = "dipp">(
  config: (ObjectiveInput | ObjectiveConfig) & { readonly name?: Name } = {},
  more: readonly Term[] = [],
): Objective<ConfigOf<Name>> {
  const complete = objectiveSchema.parse(withOneConvention(config)) as ConfigOf<Name>;
  const recipe = (FAMILY[complete.name] as typeof FAMILY[Name]).recipe(complete);
  const fakeOmega = recipe.fakeGuidance?.omega ?? 1;
  const terms = [...recipe.terms, ...more];
  const time = "time" in complete ? complete.time : timeDistributionSchema.parse({ name: "log_normal" });
  return {
    config: complete,
    needs: neededModels(terms),
    fakeTrainingOmega: recipe.trainsFakeGuided ? fakeOmega : 1,
    draw: (key, shape) => drawNoise(time, key, shape),
    generatorLoss: sumTerms(terms, { alpha: recipe.guidance?.alpha ?? 0, fakeOmega }),
  };
}

/**
 * Draws what the forward process needs: t from a distribution and eps from N(0, I).
 *
 * @param time the distribution of t
 * @param key random key, u32 `[2]`
 * @param shape the samples' shape, `[B, ...]`
 * @returns t `[B]` and eps
 */
export function drawNoise(
  time: TimeDistribution,
  key: Tensor,
  shape: readonly number[],
): { t: Tensor; eps: Tensor } {
  return { t: drawTimes(time, fold(key, 0), shape[0]), eps: randn(fold(key, 1), [...shape]) };
}

/** A configuration that was parsed before has guidance in both conventions; the schema wants one. */
function withOneConvention<Config extends object>(config: Config): Config {
  const one = (value: unknown) =>
    isObject(value) && "alpha" in value && "omega" in value
      ? { alpha: guidance(value as { alpha: number }).alpha }
      : value;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, one(value)])) as Config;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
