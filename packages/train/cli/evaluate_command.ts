/** `dipp evaluate`. */
import { init } from "@dipp/tensor";
import { evaluate } from "../evaluate/evaluate.ts";
import { PROMPT_SETS } from "../evaluate/prompt_set.ts";
import { METRIC_NAMES } from "../evaluate/metric_names.ts";
import { ConfigError } from "../config/config_error.ts";
import { loadConfig } from "../config/load_config.ts";
import { resolvePath } from "../config/paths.ts";
import { commandLine } from "./command_line.ts";
import { DEVICE_HELP, DEVICE_OPTIONS, deviceOptions } from "./device_options.ts";
import { readOptions } from "./options.ts";
import { summaryTable } from "./summary_table.ts";
import { DEFAULT_CONFIG } from "./train_command.ts";

const HELP = `evaluate --checkpoint F [CONFIG] [options]: draw images, or read them, and measure them

  CONFIG             a distill or align configuration: data, judges and sampler (the alignment of examples/emoji)
  --checkpoint F     a checkpoint of a generator or a teacher
  --model DIR        a diffusers directory
  --images DIR       images drawn elsewhere, one for each prompt and copy, in the order of their names
  --prompts FILE     JSON, TSV or text with one prompt a line, or ${PROMPT_SETS.join(", ")}
                     (the prompts of the data that were held out, and some of the others)
  --metrics a,b,c    what to measure (the configuration's reward, and all in the space of its contrastive model):
                     ${METRIC_NAMES.join(", ").replace(/(.{1,88}), /g, "$1,\n                     ")}
  --judge NAME=FILE  another reward to measure with; may be repeated
  --reference DIR    real images to compare with (the data's own)
  --weights DIR      where the weights of papers' metrics lie, by the names of their repositories
                     (dipp/weights in the user's cache, or weights in DIPP_CACHE)
  --inception FILE   Inception's weights: pytorch-fid's .pth, its tensors as .safetensors, or an .onnx model
  --resize NAME      whose way images come into Inception: clean-fid or pytorch-fid (clean-fid)
  --lpips NAME       LPIPS's backbone, alex or vgg (alex)
  --out DIR          where images and report.json, report.md and report.html go (runs/evaluate-NAME);
                     images that are there are not drawn again
  --compare DIR      an earlier --out on the same prompts and seeds, to compare with in pairs
  --count N          images of each prompt (the configuration's)
  --limit N          the first N prompts only
  --seed N           seed of the noise (the configuration's)
  --resamples N      resamples of the bootstrap, 0 for none (1000)
  --set PATH=VALUE   instead of a value of the configuration; may be repeated
${DEVICE_HELP}
  --json             print the numbers as one JSON object`;

/**
 * Measures a checkpoint, or images.
 *
 * @param args What follows `evaluate`.
 * @returns The exit code.
 */
export async function evaluateCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    string: [
      ...["checkpoint", "model", "images", "prompts", "metrics", "out", "compare"],
      ...["count", "limit", "seed", "resamples", "reference", "weights", "inception", "resize", "lpips"],
      ...DEVICE_OPTIONS,
    ],
    boolean: ["json", "help"],
    collect: ["set", "judge"],
  });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  const kinds = ["checkpoint", "model", "images"] as const;
  const given = kinds.filter((kind) => options.text(kind) !== undefined);
  if (given.length === 0) {
    throw new ConfigError("Option --checkpoint is missing, expected a file, or --model or --images with a directory");
  }
  if (given.length > 1) {
    throw new ConfigError(`Options are ${given.map((kind) => `--${kind}`).join(" and ")}, expected one of them`);
  }
  if (options.rest.length > 1) throw new ConfigError(`Configurations are ${options.rest.join(", ")}, expected one`);
  const [kind] = given, path = options.text(kind)!;
  const config = await loadConfig(resolvePath(Deno.cwd(), options.rest[0] ?? DEFAULT_CONFIG), options.all("set"));
  if (config.stage !== "align" && config.stage !== "distill") {
    throw new ConfigError(`stage is "${config.stage}", expected "align" or "distill"`);
  }
  const stem = path.replace(/\/+$/, "").replace(/^.*\//, "").replace(/\.safetensors$/, "");
  const out = resolvePath(Deno.cwd(), options.text("out") ?? `runs/evaluate-${stem}`);
  const optional = <T>(name: string, value: T | undefined) => value === undefined ? {} : { [name]: value };
  await init(deviceOptions(options));
  const report = await evaluate(config, {
    subject: { kind, path },
    out,
    judges: options.all("judge").map(nameAndFile),
    resamples: options.integer("resamples", 0) ?? 1000,
    count: options.integer("count", 1) ?? config.evaluation.images_per_prompt,
    seed: options.integer("seed", 0) ?? config.evaluation.seed,
    command: commandLine("evaluate", args),
    note: (text) => console.error(text),
    judging: {
      resize: options.choice("resize", ["clean-fid", "pytorch-fid"]) ?? "clean-fid",
      lpips: options.choice("lpips", ["alex", "vgg"]) ?? "alex",
      ...optional("reference", options.text("reference")),
      ...optional("weights", options.text("weights")),
      ...optional("inception", options.text("inception")),
    },
    ...optional("prompts", options.text("prompts")),
    ...optional("metrics", options.text("metrics")),
    ...optional("compare", options.text("compare")),
    ...optional("limit", options.integer("limit", 1)),
  });
  const scores = Object.fromEntries(report.metrics.map(({ name, value }) => [name, value]));
  if (options.has("json")) console.log(JSON.stringify(scores));
  else {
    console.log(summaryTable(Object.fromEntries(report.metrics.map(({ name, value, stderr, comparison }) => [
      name,
      {
        value,
        stderr: stderr ?? "",
        ...(comparison
          ? {
            other: comparison.other,
            difference: comparison.difference,
            low: comparison.low,
            high: comparison.high,
          }
          : {}),
      },
    ]))));
  }
  console.error(`${out}/report.html shows it; report.md and report.json are beside it`);
  return 0;
}

function nameAndFile(text: string): { name: string; path: string } {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new ConfigError(`--judge is "${text}", expected NAME=FILE`);
  return { name: text.slice(0, at), path: text.slice(at + 1) };
}
