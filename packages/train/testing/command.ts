/** Running the command line in tests, here or as a process of its own. */
import { main } from "../cli.ts";

/** The command line's file. */
const CLI = new URL("../cli.ts", import.meta.url).pathname;

/** Where the tiny configurations lie. */
export const CONFIGS: string = new URL(".", import.meta.url).pathname;

/** A run that can be stopped. */
export interface Running {
  /** Waits for the end. */
  finished(): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
}

/** Starts `deno run cli.ts ARGS`. */
export function start(...args: string[]): Running {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-write", "--allow-env", "--allow-ffi", CLI, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  return {
    async finished() {
      const { code, stdout, stderr } = await output;
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    },
    kill: (signal) => child.kill(signal),
  };
}

/** Waits until a checkpoint of a step or a later one is there. */
export async function checkpointOf(out: string, step: number): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    try {
      for (const { name } of Deno.readDirSync(`${out}/checkpoints`)) {
        if (Number(/^step-(\d+)\.safetensors$/.exec(name)?.[1] ?? -1) >= step) return;
      }
    } catch {
      // The directory is made with the first checkpoint.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`No checkpoint of step ${step} in ${out} after a minute`);
}

/** Runs a command line in this process; standard output's last line comes back. */
export async function run(...args: string[]): Promise<{ code: number; last: string; said: string }> {
  const lines: string[] = [], said: string[] = [];
  const { log, error } = console;
  console.log = (text: string) => void lines.push(...text.split("\n"));
  console.error = (text: unknown) => void said.push(`${text}`);
  try {
    return { code: await main(args), last: lines.at(-1) ?? "", said: said.join("\n") };
  } finally {
    Object.assign(console, { log, error });
  }
}
