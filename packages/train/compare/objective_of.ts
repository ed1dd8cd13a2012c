/** The configuration of another objective, as near to a given one as the two have in common. */
import { makeObjective, type ObjectiveConfig, type ObjectiveInput, type ObjectiveName } from "@dipp/objectives";

/** What all objectives mean alike; the rest, a distance or a noise weight, is each one's own. */
const SHARED = ["alpha_rew", "guidance", "time"] as const;

/**
 * Puts another objective in the place of a configuration's: guidance, noise levels and the reward's weight stay, where
 * the other has them; everything else is the other's default.
 *
 * @param base The configuration's objective, complete.
 * @param name The other's name.
 * @returns Its configuration; the given one where the name is the same.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { makeObjective } from "@dipp/objectives";
 * import { objectiveOf } from "./objective_of.ts";
 *
 * const { config } = makeObjective({ name: "dipp", alpha_rew: 8, guidance: { omega: 1.5 }, time: { name: "uniform" } });
 * assertEquals(objectiveOf(config, "sim"), { name: "sim", guidance: { omega: 1.5 }, time: config.time });
 * ```
 */
export function objectiveOf(base: ObjectiveConfig, name: ObjectiveName): ObjectiveInput {
  const given = oneConvention(base);
  if (name === base.name) return given as ObjectiveInput;
  const known = Object.keys(makeObjective({ name } as ObjectiveInput).config);
  const kept = SHARED.filter((key) => known.includes(key) && key in given);
  return { name, ...Object.fromEntries(kept.map((key) => [key, given[key]])) } as ObjectiveInput;
}

/** A complete configuration names guidance in both conventions; one is enough. */
function oneConvention(config: ObjectiveConfig): Readonly<Record<string, unknown>> {
  const one = (value: unknown) =>
    typeof value === "object" && value !== null && "alpha" in value && "omega" in value
      ? { omega: value.omega }
      : value;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, one(value)]));
}
