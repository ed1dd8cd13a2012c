/**
 * Command lines of the tools, strictly: `--help` says what there is, and what is not there is refused.
 *
 * @module
 */
import { parseArgs, type ParseOptions } from "@std/cli/parse-args";

/** What a command line has; `help` is always there. */
export interface Flags {
  /** Options with a value. */
  readonly string?: readonly string[];
  /** Options without. */
  readonly boolean?: readonly string[];
  /** Those of `string` that may come several times. */
  readonly collect?: readonly string[];
}

/** Values by name: texts, lists of texts where an option may come several times, truth values. */
export type FlagValues = Readonly<Record<string, string | string[] | boolean | undefined>> & {
  /** What belongs to no option. */
  readonly _: readonly string[];
};

/**
 * Reads a command line. Prints the usage and ends the process with 0 on `--help`; ends it with 2 on an option that is
 * not known or lacks its value.
 *
 * @param args The arguments.
 * @param usage What `--help` prints.
 * @param flags The options.
 * @param operands Most arguments that belong to no option.
 */
export function readFlags(args: readonly string[], usage: string, flags: Flags, operands = 0): FlagValues {
  const { string = [], boolean = [], collect = [] } = flags;
  const unknown: string[] = [];
  const options: ParseOptions = {
    string: [...string, "_"],
    boolean: [...boolean, "help"],
    collect: [...collect],
    unknown: (argument: string) => !argument.startsWith("-") || argument === "-" || void unknown.push(argument),
  };
  const values = parseArgs([...args], options) as unknown as FlagValues;
  if (values.help) {
    console.log(usage);
    Deno.exit(0);
  }
  const empty = string.find((name) =>
    values[name] === "" || (Array.isArray(values[name]) && values[name].includes(""))
  );
  const problem = unknown.length > 0
    ? `Option ${unknown[0]} is not known`
    : empty !== undefined
    ? `Option --${empty} has no value`
    : values._.length > operands
    ? `Argument "${values._[operands]}" is one too many`
    : undefined;
  if (problem !== undefined) {
    console.error(`${problem}\n\n${usage}`);
    Deno.exit(2);
  }
  return values;
}
