/** A configuration that is refused. */
import type { z } from "zod";

/**
 * A configuration, or a command line, that cannot be run. The message has one
 * line a problem, each with the path, the value and what was expected.
 */
export class ConfigError extends Error {
  /** Always "ConfigError". */
  override name = "ConfigError";
}

/**
 * Puts what zod found into sentences.
 *
 * @param issues What zod reports, with inputs (`reportInput`).
 * @param source The file or the object that was read, for the first line.
 * @returns The error to throw.
 */
export function configError(
  issues: readonly z.core.$ZodIssue[],
  source: string,
): ConfigError {
  const lines = issues.flatMap((issue) => describe(issue, []));
  return new ConfigError(
    `Configuration ${source} is refused:\n` +
      lines.map((line) => `  ${line}`).join("\n"),
  );
}

type Path = readonly PropertyKey[];

function describe(issue: z.core.$ZodIssue, parents: Path): string[] {
  const path = [...parents, ...issue.path];
  const at = path.length === 0 ? "the configuration" : path.join(".");
  const input = is(issue.input);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => `${[...path, key].join(".")} is not a known key`);
    case "invalid_type":
      return [`${at} ${input}, expected ${article(issue.expected)}`];
    case "invalid_value":
      return [`${at} ${input}, expected ${list(issue.values)}`];
    case "too_small":
      return [
        `${at} ${input}, expected ${issue.inclusive ? "at least" : "more than"} ` +
        `${issue.minimum}${unit(issue.origin)}`,
      ];
    case "too_big":
      return [
        `${at} ${input}, expected ${issue.inclusive ? "at most" : "less than"} ` +
        `${issue.maximum}${unit(issue.origin)}`,
      ];
    case "invalid_union": {
      if (issue.errors.length > 0) {
        return [closest(issue.errors, path)].flat();
      }
      const { discriminator, options } = issue as {
        discriminator?: string;
        options?: readonly unknown[];
      };
      const value = discriminator === undefined
        ? issue.input
        : (issue.input as Record<string, unknown> | undefined)?.[discriminator];
      return [
        `${at} ${is(value)}, expected ${list(options ?? [])}`,
      ];
    }
    default:
      return [`${at} ${input}: ${issue.message}`];
  }
}

/** Of a union's alternatives, the complaints of the one that fits best. */
function closest(
  errors: readonly (readonly z.core.$ZodIssue[])[],
  path: Path,
): string[] {
  const here = errors.every((issues) => issues.some((issue) => issue.path.length === 0));
  const all = errors.map((issues) => issues.flatMap((issue) => describe(issue, path)));
  if (here) return [all.map((lines) => lines[0]).join("; or ")];
  return all.reduce((best, lines) => lines.length < best.length ? lines : best);
}

function is(value: unknown): string {
  if (value === undefined) return "is missing";
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return `is ${text.length > 80 ? text.slice(0, 77) + "..." : text}`;
}

function article(type: string): string {
  const names: Record<string, string> = {
    int: "an integer",
    object: "an object",
    array: "an array",
    tuple: "an array",
    record: "an object",
  };
  return names[type] ?? `a ${type}`;
}

function unit(origin: string): string {
  if (origin === "array" || origin === "set") return " elements";
  return origin === "string" ? " characters" : "";
}

function list(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  if (texts.length < 2) return texts.join("");
  return `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`;
}
