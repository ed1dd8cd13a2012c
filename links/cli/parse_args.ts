/**
 * `parseArgs`, with the meaning it has in `@std/cli/parse-args`.
 *
 * @module
 */

import type { Args, Names, ParseOptions } from "./types.ts";

export type { Args, Names, ParseOptions } from "./types.ts";

const NUMBER = /^(?:0x[0-9a-f]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i;

// A value as it stands in the result: numbers where the text is one, unless
// the option was declared a string.
function convert(text: string | boolean, isString: boolean): unknown {
  if (typeof text === "boolean" || isString) return text;
  return NUMBER.test(text) ? Number(text) : text;
}

function names(list: Names | undefined): string[] {
  return list === undefined ? [] : typeof list === "string" ? [list] : [...list];
}

// Groups of names that mean the same option: each name to all the others.
function aliasTable(
  alias: Readonly<Record<string, Names>> | undefined,
): Map<string, string[]> {
  const table = new Map<string, string[]>();
  for (const [key, value] of Object.entries(alias ?? {})) {
    const group = [key, ...names(value)];
    for (const name of group) {
      table.set(name, group.filter((other) => other !== name));
    }
  }
  return table;
}

/**
 * Parses command line arguments.
 *
 * Options are `--key value`, `--key=value`, `--flag`, `--no-flag` (where
 * negatable), `-k value`, `-abc`, and dotted names make nested objects;
 * everything else, and whatever follows `--`, is in `_`.
 *
 * @param args The arguments, for instance `Deno.args`.
 * @param options Which options there are and what they hold.
 * @returns One property per option, and `_`.
 *
 * @example Usage
 * ```ts
 * import { parseArgs } from "@std/cli/parse-args";
 * import { assertEquals } from "@std/assert";
 *
 * const args = parseArgs(["--json", "--set", "a=1", "--set=b=2", "x.json"], {
 *   boolean: ["json"],
 *   string: ["set"],
 *   collect: ["set"],
 * });
 * assertEquals(args, { _: ["x.json"], json: true, set: ["a=1", "b=2"] });
 * ```
 */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  const N extends string = never,
  D extends Record<string, unknown> = Record<never, never>,
  const A extends Record<string, string | readonly string[]> = Record<
    never,
    never
  >,
>(
  args: string[],
  options: ParseOptions<B, S, C, N, D, A> = {},
): Args<B, S, C, N, D, A> {
  const allBooleans = options.boolean === true;
  const aliases = aliasTable(options.alias);
  const withAliases = (list: string[]) => new Set(list.flatMap((name) => [name, ...(aliases.get(name) ?? [])]));
  const booleans = withAliases(
    typeof options.boolean === "boolean" ? [] : names(options.boolean),
  );
  const strings = withAliases(names(options.string));
  const collected = withAliases(names(options.collect));
  const negatable = withAliases(names(options.negatable));
  const result: Record<string, unknown> = {};
  const rest: unknown[] = [];

  const write = (key: string, value: unknown, collect: boolean) => {
    const path = key.split(".");
    const last = path.pop()!;
    let at = result;
    for (const step of path) {
      at = (at[step] ??= {}) as Record<string, unknown>;
    }
    if (!Object.hasOwn(at, last) || !collect) at[last] = value;
    else (at[last] as unknown[]).push(...(value as unknown[]));
  };
  const put = (key: string, value: unknown) => {
    for (const name of [key, ...(aliases.get(key) ?? [])]) {
      const many = collected.has(name);
      write(name, many ? [value] : value, many);
    }
  };
  const set = (key: string, text: string | boolean, arg: string) => {
    const known = booleans.has(key) || strings.has(key) || aliases.has(key) ||
      (allBooleans && /^--[^=]+$/.test(arg));
    const value = convert(text, strings.has(key));
    if (!known && options.unknown?.(arg, key, value) === false) return;
    put(key, value);
  };
  const takesValue = (key: string, next: string | undefined): next is string =>
    next !== undefined && !booleans.has(key) && !next.startsWith("-");
  const bare = (key: string) => strings.has(key) ? "" : true;

  const cut = args.indexOf("--");
  const own = cut < 0 ? args : args.slice(0, cut);
  const after = cut < 0 ? [] : args.slice(cut + 1);

  for (let i = 0; i < own.length; i++) {
    const arg = own[i]!;
    const next = own[i + 1];
    const long = /^--(?<key>[^=]+)(?:=(?<value>[^]*))?$/.exec(arg)?.groups;
    if (long?.["key"] && long["value"] !== undefined) {
      const { key, value } = long as { key: string; value: string };
      set(key, booleans.has(key) ? value !== "false" : value, arg);
    } else if (long?.["key"]) {
      const key = long["key"];
      const negated = key.startsWith("no-") ? key.slice(3) : "";
      if (negatable.has(negated)) {
        set(negated, false, arg);
      } else if (!allBooleans && takesValue(key, next)) {
        set(key, next, arg);
        i++;
      } else if (next === "true" || next === "false") {
        set(key, next === "true", arg);
        i++;
      } else {
        set(key, bare(key), arg);
      }
    } else if (/^-[^-]/.test(arg)) {
      i += short(arg, next);
    } else {
      if (options.unknown?.(arg) !== false) {
        rest.push(convert(arg, strings.has("_")));
      }
      if (options.stopEarly) {
        rest.push(...own.slice(i + 1));
        break;
      }
    }
  }

  // `-abc`, `-n5`, `-n=5`, `-n 5`: returns how many further arguments it took.
  function short(arg: string, next: string | undefined): number {
    const letters = arg.slice(1);
    for (let j = 0; j < letters.length; j++) {
      const key = letters[j]!;
      const tail = letters.slice(j + 1);
      if (tail === "") {
        if (takesValue(key, next)) {
          set(key, next, arg);
          return 1;
        }
        if (next === "true" || next === "false") {
          set(key, next === "true", arg);
          return 1;
        }
        set(key, bare(key), arg);
      } else if (/^=/.test(tail)) {
        set(key, tail.slice(1), arg);
        return 0;
      } else if (NUMBER.test(tail) || /^\W/.test(tail)) {
        set(key, tail, arg);
        return 0;
      } else {
        set(key, bare(key), arg);
      }
    }
    return 0;
  }

  for (const [key, value] of Object.entries(options.default ?? {})) {
    for (const name of [key, ...(aliases.get(key) ?? [])]) {
      if (!hasPath(result, name)) write(name, value, false);
    }
  }
  for (const key of booleans) {
    if (!hasPath(result, key)) {
      write(key, collected.has(key) ? [] : false, false);
    }
  }
  for (const key of collected) {
    if (!hasPath(result, key)) write(key, [], false);
  }
  if (options["--"]) result["--"] = after;
  else rest.push(...after);
  return { _: rest, ...result } as Args<B, S, C, N, D, A>;
}

function hasPath(object: Record<string, unknown>, key: string): boolean {
  let at: unknown = object;
  for (const step of key.split(".")) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, step)) {
      return false;
    }
    at = (at as Record<string, unknown>)[step];
  }
  return true;
}
