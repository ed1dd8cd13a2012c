/** `dipp compare`. */
import { OBJECTIVE_NAMES, type ObjectiveName } from "@dipp/objectives";
import { runChild } from "../compare/child_process.ts";
import { comparable, compare } from "../compare/compare.ts";
import type { Comparison } from "../compare/comparison.ts";
import { comparisonTable } from "../compare/comparison_table.ts";
import { ConfigError } from "../config/config_error.ts";
import { loadConfig } from "../config/load_config.ts";
import { resolvePath } from "../config/paths.ts";
import { parseMetrics } from "../evaluate/metric_names.ts";
import { INTERRUPTED, listenForInterrupt } from "../run/interrupt.ts";
import { commandLine } from "./command_line.ts";
import { DEVICE_HELP, DEVICE_OPTIONS, deviceOptions } from "./device_options.ts";
import { readOptions } from "./options.ts";
import { DEFAULT_CONFIG } from "./train_command.ts";

const HELP = `compare [CONFIG] --objectives a,b,c [options]: train with several objectives and put them in one table

  CONFIG             an align or distill configuration (the alignment of examples/emoji); each objective takes its
                     guidance, noise levels and reward, and everything else of it as it is
  --objectives LIST  ${OBJECTIVE_NAMES.join(", ")}
  --seeds N          runs of each, with the configuration's seed and those after it (3)
  --steps N          steps of each run (the configuration's)
  --budget SECONDS   seconds of training of each run instead: its steps follow from a short trial of the objective
  --alpha WHICH      fit: weigh the reward so that its gradient at x_0, against the divergence's, is what it is for
                     the configuration's own objective when training begins (the default); same: one number for all
  --metrics a,b,c    what to measure, as in evaluate (the rewards at hand, and clipscore, retrieval, frechet, diversity)
  --out DIR          where runs, compare.json and compare.md go (runs/compare-NAME); runs that are there and done are
                     not repeated, one that was broken off goes on
  --set PATH=VALUE   instead of a value of the configuration; may be repeated
  --for NAME:PATH=VALUE  the same for one objective; may be repeated
${DEVICE_HELP}
  --json             print the comparison as one JSON object`;

/** Measured unless told, in the space of the contrastive model. */
const ENCODED = ["clipscore", "retrieval", "frechet", "diversity"];

/**
 * Compares objectives.
 *
 * @param args What follows `compare`.
 * @returns The exit code: 1 where a run failed.
 */
export async function compareCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    string: ["objectives", "seeds", "steps", "budget", "alpha", "metrics", "out", ...DEVICE_OPTIONS],
    boolean: ["json", "help"],
    collect: ["set", "for"],
  });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  if (options.rest.length > 1) throw new ConfigError(`Configurations are ${options.rest.join(", ")}, expected one`);
  const path = resolvePath(Deno.cwd(), options.rest[0] ?? DEFAULT_CONFIG), sets = options.all("set");
  const objectives = objectivesOf(options.text("objectives"));
  const config = comparable(await loadConfig(path, sets));
  const steps = options.integer("steps", 1), seconds = options.integer("budget", 1);
  if (steps !== undefined && seconds !== undefined) {
    throw new ConfigError("Options are --steps and --budget, expected one of them");
  }
  const rewards = (["reward", "held_out_reward"] as const).filter((name) => config[name] !== null);
  const metrics = options.text("metrics") ?? [...rewards, ...config.clip === null ? [] : ENCODED].join(",");
  parseMetrics(metrics, rewards, config.clip !== null);
  deviceOptions(options);
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.json$/, "");
  const count = options.integer("seeds", 1) ?? 3;
  using interrupt = listenForInterrupt(() =>
    console.error("\nFinishing the step, then stopping; again to quit at once")
  );
  const comparison = await compare({
    path,
    config,
    sets,
    objectives,
    own: ownSets(options.all("for"), objectives),
    seeds: Array.from({ length: count }, (_, i) => config.seed + i),
    budget: seconds === undefined ? { steps: steps ?? config.steps } : { seconds },
    fitsReward: options.choice("alpha", ["fit", "same"]) !== "same",
    metrics,
    out: resolvePath(Deno.cwd(), options.text("out") ?? `runs/compare-${name}`),
    command: commandLine("compare", args),
    common: DEVICE_OPTIONS.flatMap((name) =>
      options.text(name) === undefined ? [] : [`--${name}`, options.text(name)!]
    ),
    run: runChild,
    interrupt,
    note: (text) => console.error(text),
  });
  if (comparison === undefined) {
    console.error("Stopped; the same command goes on");
    return INTERRUPTED;
  }
  console.log(options.has("json") ? JSON.stringify(comparison) : comparisonTable(comparison));
  return exitCode(comparison);
}

function exitCode({ failed }: Comparison): number {
  return failed.length > 0 ? 1 : 0;
}

function objectivesOf(list: string | undefined): ObjectiveName[] {
  if (list === undefined) {
    throw new ConfigError(`Option --objectives is missing, expected some of ${OBJECTIVE_NAMES.join(", ")}`);
  }
  return [...new Set(list.split(",").map((name) => objectiveName(name.trim(), "--objectives")))];
}

function objectiveName(name: string, option: string): ObjectiveName {
  if (OBJECTIVE_NAMES.includes(name as ObjectiveName)) return name as ObjectiveName;
  throw new ConfigError(`${option} has "${name}", expected some of ${OBJECTIVE_NAMES.join(", ")}`);
}

/** `--for NAME:PATH=VALUE` by name. */
function ownSets(
  texts: readonly string[],
  objectives: readonly ObjectiveName[],
): Partial<Record<ObjectiveName, string[]>> {
  const own: Partial<Record<ObjectiveName, string[]>> = {};
  for (const text of texts) {
    const at = text.indexOf(":");
    const name = objectiveName(text.slice(0, Math.max(at, 0)), "--for");
    if (!objectives.includes(name)) {
      throw new ConfigError(`--for is ${text}, but ${name} is not among --objectives ${objectives.join(",")}`);
    }
    (own[name] ??= []).push(text.slice(at + 1));
  }
  return own;
}
