/** `dipp evaluate`. */
import { init } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { loadConfig } from "../config/load_config.ts";
import { resolvePath } from "../config/paths.ts";
import { generatorDraw, loadScoreNetwork, teacherDraw } from "../models/drawer.ts";
import { loadEncoder, loadReward } from "../models/judges.ts";
import { readModel } from "../models/model_file.ts";
import { loadData } from "../run/load_data.ts";
import { makeEvaluation } from "../stages/make_evaluation.ts";
import { readOptions } from "./options.ts";
import { summaryTable } from "./summary_table.ts";
import { DEFAULT_CONFIG } from "./train_command.ts";

const HELP = `evaluate --checkpoint F [CONFIG] [options]: measure a checkpoint of a generator or a teacher

  CONFIG             a distill or align configuration: data, judges and how much to measure
                     (the alignment of examples/emoji)
  --checkpoint F     what to measure
  --set PATH=VALUE   instead of a value of the configuration; may be repeated
  --json             print the scores as one JSON object`;

/**
 * Measures a checkpoint.
 *
 * @param args What follows `evaluate`.
 * @returns The exit code.
 */
export async function evaluateCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, { string: ["checkpoint"], boolean: ["json", "help"], collect: ["set"] });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  const path = options.text("checkpoint");
  if (path === undefined) throw new ConfigError("Option --checkpoint is missing, expected a file");
  const config = await loadConfig(resolvePath(Deno.cwd(), options.rest[0] ?? DEFAULT_CONFIG), options.all("set"));
  if (config.stage !== "align" && config.stage !== "distill") {
    throw new ConfigError(`stage is "${config.stage}", expected "align" or "distill"`);
  }
  const file = await readModel(path, ["generator", "teacher"]);
  const data = await loadData(config.data);
  await init();
  const evaluation = makeEvaluation(
    config,
    data,
    file.vocabulary,
    config.reward === null ? undefined : await loadReward(await readModel(config.reward, ["preference"])),
    config.clip === null ? undefined : await loadEncoder(await readModel(config.clip, ["clip"])),
  );
  const network = await loadScoreNetwork(file);
  const { kind, sigma_init = 2.5 } = file.description;
  const scores = await evaluation.measure(
    kind === "generator"
      ? generatorDraw(network, sigma_init)
      : teacherDraw(network, config.sampler.steps, config.sampler.guidance.omega),
  );
  if (options.has("json")) console.log(JSON.stringify(scores));
  else console.log(summaryTable({ [kind]: scores }));
  return 0;
}
