/** A command of dipp as a process of its own: what it leaks, or dies of, is its own affair. */
import { fromFileUrl } from "../config/paths.ts";

/** How a command ended. */
export interface ChildResult {
  /** Its exit code. */
  readonly code: number;
  /** Why, where that is not 0: the last thing that it said. */
  readonly reason: string;
}

/** Runs a command line of dipp to its end; `label` goes before what it says. */
export type RunCommand = (args: readonly string[], label: string) => Promise<ChildResult>;

const PERMISSIONS = ["read", "write", "env", "ffi"].map((name) => `--allow-${name}`);

/**
 * Runs a command line of dipp in a process and passes on what it says on standard error, line by line.
 *
 * @param args The command and its arguments.
 * @param label What to put before each line.
 * @returns How it ended.
 */
export async function runChild(args: readonly string[], label: string): Promise<ChildResult> {
  const cli = new URL("../cli.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...PERMISSIONS, cli.protocol === "file:" ? fromFileUrl(cli) : cli.href, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  let rest = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      console.error(`${label} | ${line}`);
      lines.push(line);
    }
  }
  if (rest !== "") lines.push(rest);
  const { code, signal } = await child.status;
  return { code, reason: code === 0 ? "" : reasonOf(lines, signal) };
}

/** From the last line that begins with "error" to the end, or the signal. */
function reasonOf(lines: readonly string[], signal: Deno.Signal | null): string {
  const at = lines.findLastIndex((line) => /^error/i.test(line));
  if (at >= 0) return lines.slice(at).join(" ").replace(/^error: /i, "").trim();
  return signal === null ? lines.at(-1) ?? "it said nothing" : `it was ended by ${signal}`;
}
