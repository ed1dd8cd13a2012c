/** From a file and a command line to a complete configuration. */
import { ConfigError, configError } from "./config_error.ts";
import { applyOverrides } from "./override.ts";
import { directoryOf } from "./paths.ts";
import { type Config, configSchema } from "./schema.ts";

/**
 * Checks a configuration and fills in its defaults.
 *
 * @param value What a configuration file holds.
 * @param base Directory that its relative paths start from.
 * @param source How to name it in errors.
 * @returns The complete configuration, with absolute paths.
 * @throws {ConfigError} With every problem's path, value and expectation.
 */
export function parseConfig(value: unknown, base: string, source: string): Config {
  const result = configSchema(base).safeParse(oneConvention(value), { reportInput: true });
  if (!result.success) throw configError(result.error.issues, source);
  return result.data;
}

/**
 * Reads a configuration file, applies overrides and checks the result.
 *
 * @param path A JSON file.
 * @param overrides Assignments `path=value`, applied in order.
 * @returns The complete configuration, with absolute paths.
 * @throws {ConfigError} If the file cannot be read, is not JSON, or is refused.
 */
export async function loadConfig(path: string, overrides: readonly string[] = []): Promise<Config> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "no such file" : String(error);
    throw new ConfigError(`Cannot read configuration ${path}: ${reason}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`Configuration ${path} is not JSON: ${(error as Error).message}`);
  }
  return parseConfig(applyOverrides(value, overrides), directoryOf(path), path);
}

/** A complete configuration names guidance in both conventions, and is itself a configuration. */
function oneConvention(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(oneConvention);
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  if (entries.length === 2 && typeof value.alpha === "number" && value.omega === 1 + value.alpha) {
    return { alpha: value.alpha };
  }
  return Object.fromEntries(entries.map(([key, child]) => [key, oneConvention(child)]));
}

/** Paths of values that decide no step: how far, what is written and looked at, when to stop. */
const FREE = new Set([
  "watch.stop",
  "steps",
  "log_every",
  "sample_every",
  "sample_count",
  "checkpoint",
  "export",
  "evaluation",
]);

/**
 * Finds where two configurations differ in something that decides what a run
 * computes, so that continuing one with the other would be another run.
 *
 * @param before The configuration of the run so far.
 * @param now The configuration to continue with.
 * @returns The first path that differs, with both values; undefined if none.
 */
export function firstDifference(before: unknown, now: unknown): string | undefined {
  const visit = (a: unknown, b: unknown, path: string[]): string | undefined => {
    if (FREE.has(path.join("."))) return undefined;
    if (isObject(a) && isObject(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        const found = visit(a[key], b[key], [...path, key]);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
    return x === y ? undefined : `${path.join(".")} was ${x} and is ${y}`;
  };
  return visit(before, now, []);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
