/**
 * The command line: `train`, `sample`, `embed`, `evaluate`, `compare`, `export`, `fetch` and `prefer`.
 *
 * ```sh
 * deno task train examples/emoji/teacher-dit.json --out runs/teacher
 * deno task sample --checkpoint examples/emoji/checkpoints/align-dit.safetensors --prompt "red apple" --out a.png
 * ```
 *
 * @module
 */
import { compareCommand } from "./cli/compare_command.ts";
import { embedCommand } from "./cli/embed_command.ts";
import { evaluateCommand } from "./cli/evaluate_command.ts";
import { exportCommand } from "./cli/export_command.ts";
import { fetchCommand } from "./cli/fetch_command.ts";
import { preferCommand } from "./cli/prefer_command.ts";
import { sampleCommand } from "./cli/sample_command.ts";
import { trainCommand } from "./cli/train_command.ts";
import { ConfigError } from "./config/config_error.ts";

const HELP = `dipp: align one-step text-to-image generators with human preference

  train [CONFIG]   train a stage: teacher, clip, preference, distill or align
  sample           draw pictures from a checkpoint or a directory of diffusers
  embed            encode prompts once, for training on a directory of diffusers
  evaluate         measure a checkpoint: reward, faithfulness, Frechet distance, diversity
  compare          train with several objectives on one budget, and put their numbers in one table
  export           write a learned reward as an ONNX model
  fetch            download released weights and prompt sets into the cache
  prefer           choose between a model's pictures, on a page, to learn a reward from

Add --help to one for its options.`;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  train: trainCommand,
  sample: sampleCommand,
  embed: embedCommand,
  evaluate: evaluateCommand,
  compare: compareCommand,
  export: exportCommand,
  fetch: fetchCommand,
  prefer: preferCommand,
};

const NAMES = Object.keys(COMMANDS).join(", ").replace(/, (?=[^,]*$)/, " or ");

/**
 * Runs a command line.
 *
 * @param args The command and its arguments.
 * @returns The exit code: 0, 1 for a failed run, 2 for a command line or a configuration that cannot be run, 130 after
 * Ctrl-C.
 */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h") {
    console.log(HELP);
    return 0;
  }
  const command = COMMANDS[name];
  try {
    if (command === undefined) {
      throw new ConfigError(
        `${name === undefined ? "There is no command" : `Command is "${name}"`}, expected ${NAMES}\n\n${HELP}`,
      );
    }
    return await command(rest);
  } catch (error) {
    if (Deno.env.get("DIPP_STACK")) console.error(error);
    else console.error(`error: ${message(error)}`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

function message(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\n  because: ${message(error.cause)}`;
  return error.message + cause;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
