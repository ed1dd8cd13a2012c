/** Changes of single configuration values from the command line. */
import { ConfigError } from "./config_error.ts";

/**
 * Applies `path=value` assignments to a configuration.
 *
 * A path has its keys joined by dots; missing objects on the way are made. The
 * value is JSON, and a text that is not JSON is taken as a string.
 *
 * @param config The configuration as parsed from JSON; it is not changed.
 * @param assignments For instance `["optimizer.lr=1e-4", "data.preset=full"]`.
 * @returns The changed copy.
 * @throws {ConfigError} If an assignment has no "=" or no path, or leads
 * through something that is not an object.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { applyOverrides } from "./override.ts";
 *
 * assertEquals(
 *   applyOverrides({ optimizer: { lr: 1 } }, ["optimizer.lr=0.5", "seed=3"]),
 *   { optimizer: { lr: 0.5 }, seed: 3 },
 * );
 * ```
 */
export function applyOverrides(
  config: unknown,
  assignments: readonly string[],
): unknown {
  const root = { config: structuredClone(config) };
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    const keys = assignment.slice(0, Math.max(at, 0)).split(".");
    if (at < 1 || keys.some((key) => key === "")) {
      throw new ConfigError(
        `--set is "${assignment}", expected path=value, ` +
          `for instance optimizer.lr=1e-4`,
      );
    }
    let node = root as Record<string, unknown>;
    let key = "config";
    for (const next of keys) {
      const child = node[key] ??= {};
      if (typeof child !== "object" || child === null) {
        throw new ConfigError(
          `--set ${assignment} leads through ${key}, which is ` +
            `${JSON.stringify(child)}, expected an object`,
        );
      }
      node = child as Record<string, unknown>;
      if (next === "__proto__") {
        throw new ConfigError(`--set ${assignment} names __proto__`);
      }
      key = next;
    }
    node[key] = parseValue(assignment.slice(at + 1));
  }
  return root.config;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
