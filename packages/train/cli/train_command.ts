/** `dipp train`. */
import { init } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { loadConfig, parseConfig } from "../config/load_config.ts";
import { applyOverrides } from "../config/override.ts";
import { fromFileUrl, resolvePath } from "../config/paths.ts";
import type { Config } from "../config/schema.ts";
import { explainTraining } from "../run/explain_training.ts";
import { INTERRUPTED, listenForInterrupt } from "../run/interrupt.ts";
import { readRecord } from "../run/run_directory.ts";
import { runTraining } from "../run/run_training.ts";
import { commandLine } from "./command_line.ts";
import { DEVICE_HELP, DEVICE_OPTIONS, deviceOptions } from "./device_options.ts";
import { DRY_RUN_HELP, DRY_RUN_OPTIONS, dryRunCommand } from "./dry_run_command.ts";
import { readOptions } from "./options.ts";
import { summaryTable } from "./summary_table.ts";

const HELP = `train [CONFIG] [options]: train a stage as a JSON configuration says

  CONFIG             the configuration; without it, the alignment of examples/emoji with DI++
  --out DIR          where results go: configuration, metrics, pictures, checkpoints, the model
                     (runs/NAME, after the configuration; an earlier run there is moved aside)
  --steps N          instead of the configuration's steps
  --seed N           instead of the configuration's seed
  --set PATH=VALUE   instead of any other value, for instance --set optimizer.lr=1e-4; may be repeated
  --explain          print the plan of one step, with its operations and its memory, and train nothing
${DRY_RUN_HELP}
  --resume           go on from the last whole checkpoint in DIR, bit for bit
${DEVICE_HELP}
  --json             print the summary as one JSON object on the last line of standard output

Ctrl-C finishes the step, saves a checkpoint and ends with exit code ${INTERRUPTED}.`;

/** What runs without a configuration. */
export const DEFAULT_CONFIG: string = fromFileUrl(
  new URL("../../../examples/emoji/align-dit.json", import.meta.url),
);

/**
 * Trains a stage.
 *
 * @param args What follows `train`.
 * @returns The exit code.
 */
export async function trainCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    string: ["out", "steps", "seed", ...DEVICE_OPTIONS, ...DRY_RUN_OPTIONS],
    boolean: ["resume", "explain", "dry-run", "json", "help"],
    collect: ["set"],
  });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  if (options.rest.length > 1) {
    throw new ConfigError(`Configurations are ${options.rest.join(", ")}, expected one`);
  }
  const steps = options.integer("steps", 1), seed = options.integer("seed", 0);
  const overrides = [
    ...steps === undefined ? [] : [`steps=${steps}`],
    ...seed === undefined ? [] : [`seed=${seed}`],
    ...options.all("set"),
  ];
  const resume = options.has("resume");
  const given = options.rest[0] ?? DEFAULT_CONFIG;
  const name = given.slice(given.lastIndexOf("/") + 1).replace(/\.json$/, "");
  const out = resolvePath(Deno.cwd(), options.text("out") ?? `runs/${name}`);

  // A run knows its own configuration: to go on, none needs to be given.
  const earlier = resume && options.rest.length === 0 ? await readRecord(out) : undefined;
  const config: Config = earlier
    ? parseConfig(applyOverrides(earlier.config, overrides), out, `${out}/config.json`)
    : await loadConfig(resolvePath(Deno.cwd(), given), overrides);

  await init(deviceOptions(options));
  const idle = DRY_RUN_OPTIONS.find((name) => options.text(name) !== undefined);
  if (options.has("dry-run")) return await dryRunCommand(config, options);
  if (idle) throw new ConfigError(`--${idle} is for a dry run: expected --dry-run beside it`);
  if (options.has("explain")) {
    console.log(`${await explainTraining(config)}`);
    return 0;
  }

  using interrupt = listenForInterrupt(() => console.error("\nFinishing the step, then saving; again to quit at once"));
  const { summary, steps: done, resumedAt, seconds, stopped } = await runTraining(config, {
    out,
    resume,
    interrupt,
    command: earlier && overrides.length === 0 ? earlier.command : repeatable(given, overrides),
  });
  if (summary === undefined) {
    console.error(`Stopped after step ${done} of ${config.steps}; --resume --out ${out} goes on`);
    return INTERRUPTED;
  }
  console.log(summaryTable(summary));
  // What the parts before took was lost with them, if they were killed
  const count = resumedAt === 0 ? `${done} steps` : `${done} steps, those after step ${resumedAt}`;
  console.error(`${count} in ${seconds} s; everything is in ${out}`);
  const resumed = resumedAt === 0 ? {} : { resumed_at: resumedAt };
  if (options.has("json")) {
    console.log(JSON.stringify({ ...summary, steps: done, ...resumed, seconds, ...(stopped && { stopped }) }));
  }
  return 0;
}

/** The command that makes the same results again: without where they went, or whether it took several goes. */
function repeatable(config: string, overrides: readonly string[]): string {
  return commandLine("train", [config, ...overrides.flatMap((override) => ["--set", override])]);
}
