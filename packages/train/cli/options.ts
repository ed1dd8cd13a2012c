/** Command line options, strictly. */
import { parseArgs } from "@std/cli/parse-args";
import { ConfigError } from "../config/config_error.ts";

/** Which options a command has. */
export interface OptionNames {
  /** Those with a value. */
  readonly string: readonly string[];
  /** Those without. */
  readonly boolean: readonly string[];
  /** Those with a value that may come several times. */
  readonly collect?: readonly string[];
}

/** Options by name, and what is none. */
export interface Options {
  /** The value of an option, undefined where it is absent. */
  text(name: string): string | undefined;
  /** The values of an option that may come several times. */
  all(name: string): string[];
  /** Whether an option is there. */
  has(name: string): boolean;
  /** The value of an option as an integer. */
  integer(name: string, least: number): number | undefined;
  /** The value of an option that is one of a few words. */
  choice<Word extends string>(name: string, words: readonly Word[]): Word | undefined;
  /** Arguments that belong to no option. */
  readonly rest: readonly string[];
}

/**
 * Reads a command line and refuses what it does not know.
 *
 * @param args The arguments.
 * @param names The options.
 * @returns Their values.
 * @throws {ConfigError} On an unknown option, one without its value, or one given twice.
 */
export function readOptions(args: readonly string[], names: OptionNames): Options {
  const withValue = [...names.string, ...names.collect ?? []];
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: [...withValue, "_"],
    boolean: [...names.boolean],
    collect: withValue,
    alias: { help: "h" },
    unknown: (argument: string) => {
      if (!argument.startsWith("-") || argument === "-") return true;
      unknown.push(argument);
      return false;
    },
  }) as Record<string, unknown>;
  if (unknown.length > 0) {
    const all = [...withValue, ...names.boolean].map((name) => `--${name}`).join(", ");
    throw new ConfigError(`Option ${unknown[0]} is not known, expected one of ${all}`);
  }
  const values = (name: string) => (parsed[name] ?? []) as string[];
  for (const name of withValue) {
    if (values(name).some((value) => value === "")) throw new ConfigError(`Option --${name} has no value`);
    if (values(name).length > 1 && !names.collect?.includes(name)) {
      throw new ConfigError(`Option --${name} is given ${values(name).length} times, expected once`);
    }
  }
  return {
    text: (name) => values(name)[0],
    all: values,
    has: (name) => parsed[name] === true,
    integer(name, least) {
      const text = values(name)[0];
      if (text === undefined) return undefined;
      if (!/^\d+$/.test(text) || Number(text) < least) {
        throw new ConfigError(`--${name} is ${text}, expected an integer of at least ${least}`);
      }
      return Number(text);
    },
    choice<Word extends string>(name: string, words: readonly Word[]) {
      const text = values(name)[0];
      const word = words.find((one) => one === text);
      if (text !== undefined && word === undefined) {
        throw new ConfigError(`--${name} is ${text}, expected ${words.join(" or ")}`);
      }
      return word;
    },
    rest: (parsed._ as unknown[]).map(String),
  };
}
