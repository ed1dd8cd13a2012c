/** Commands as they are typed. */

/**
 * The command that does the same again, without where this machine keeps its files.
 *
 * @param task The task.
 * @param words Its arguments.
 * @returns One line for a shell.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { commandLine } from "./command_line.ts";
 *
 * assertEquals(commandLine("sample", ["--prompt", "red apple"]), "deno task sample --prompt 'red apple'");
 * ```
 */
export function commandLine(task: string, words: readonly string[]): string {
  const here = `${Deno.cwd()}/`;
  const plain = (text: string) => text.replaceAll(here, "");
  const quote = (word: string) => /^[\w./=:,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
  return `deno task ${[task, ...words.map((word) => quote(plain(word)))].join(" ")}`;
}
