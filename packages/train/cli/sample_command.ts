/** `dipp sample`. */
import { init } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { imageGrid } from "../image_grid.ts";
import { writePng } from "../images.ts";
import { generatorDraw, loadScoreNetwork, teacherDraw } from "../models/drawer.ts";
import { readModel } from "../models/model_file.ts";
import { SamplePictures } from "../run/sample_pictures.ts";
import { DEVICE_HELP, DEVICE_OPTIONS, deviceOptions } from "./device_options.ts";
import { readOptions } from "./options.ts";
import { MODEL_HELP, MODEL_OPTIONS, sampleDiffusers } from "./sample_diffusers.ts";

const HELP = `sample --checkpoint F|--model DIR --prompt TEXT [options]: draw pictures from a checkpoint

  --checkpoint F   a checkpoint of a generator (one step) or a teacher (many)
  --prompt TEXT    what to draw; may be repeated
  --out FILE       the PNG file (sample.png)
  --count N        pictures of each prompt (1)
  --seed N         seed of the noise (0)
  --steps N        steps of a teacher's sampler (24)
  --guidance X     guidance scale omega of a teacher (1.5)
  --scale N        side of a pixel in the picture (8 for one picture, 4 for several)
${DEVICE_HELP}
${MODEL_HELP}`;

/** Pictures drawn at a time. */
const BATCH = 16;

/**
 * Draws pictures.
 *
 * @param args What follows `sample`.
 * @returns The exit code.
 */
export async function sampleCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    string: ["checkpoint", "out", "count", "seed", "steps", "guidance", "scale", ...DEVICE_OPTIONS, ...MODEL_OPTIONS],
    boolean: ["help", "one-step"],
    collect: ["prompt"],
  });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  if (options.rest.length > 0) throw new ConfigError(`Argument is "${options.rest[0]}", expected options only`);
  const model = options.text("model");
  if (model !== undefined) {
    await init(deviceOptions(options));
    return await sampleDiffusers(model, options);
  }
  const stray = options.has("one-step") ? "one-step" : MODEL_OPTIONS.find((name) => options.text(name) !== undefined);
  if (stray !== undefined) throw new ConfigError(`Option --${stray} goes with --model, which is missing`);
  const path = options.text("checkpoint");
  if (path === undefined) {
    throw new ConfigError("Option --checkpoint is missing, expected a file, or --model with a directory");
  }
  const asked = options.all("prompt");
  if (asked.length === 0) throw new ConfigError("Option --prompt is missing, expected what to draw");
  const count = options.integer("count", 1) ?? 1, seed = options.integer("seed", 0) ?? 0;
  const omega = Number(options.text("guidance") ?? 1.5);
  if (!Number.isFinite(omega)) throw new ConfigError(`--guidance is ${options.text("guidance")}, expected a number`);

  const file = await readModel(path, ["generator", "teacher", "fake"]);
  const isGenerator = file.description.kind === "generator";
  for (const name of ["steps", "guidance"]) {
    if (isGenerator && options.text(name) !== undefined) {
      throw new ConfigError(`--${name} is for teachers, but ${path} is a one-step generator`);
    }
  }
  await init(deviceOptions(options));
  for (const prompt of asked) {
    const warning = file.vocabulary.warning(prompt);
    if (warning !== undefined) console.error(`Note: ${warning}`);
  }
  const network = await loadScoreNetwork(file);
  const draw = isGenerator
    ? generatorDraw(network, file.description.sigma_init ?? 2.5)
    : teacherDraw(network, options.integer("steps", 1) ?? 24, omega);
  const prompts = asked.flatMap((prompt) => new Array<string>(count).fill(prompt));
  const pictures = await SamplePictures.of(prompts, file.description.image_size, file.vocabulary, seed);
  const batch = await pictures.images(draw, Math.min(BATCH, prompts.length));
  const out = options.text("out") ?? "sample.png";
  const scale = options.integer("scale", 1) ?? (prompts.length === 1 ? 8 : 4);
  await writePng(
    out,
    imageGrid(
      batch,
      prompts.length === 1 ? { scale, padding: 0 } : { scale, ...(asked.length > 1 ? { labels: prompts } : {}) },
    ),
  );
  console.error(`${prompts.length} of ${asked.join(", ")} in ${out}`);
  return 0;
}
