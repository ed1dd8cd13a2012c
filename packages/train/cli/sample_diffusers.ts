/** `dipp sample --model`: pictures from a directory of diffusers. */
import { DiffusersDirectory, type OneStepGeneratorOptions, type SamplerName } from "@dipp/scores";
import { ConfigError } from "../config/config_error.ts";
import { drawPrompts, type WeightType } from "../diffusers/draw_prompts.ts";
import { generatorOf } from "../diffusers/generator_index.ts";
import { imageGrid } from "../image_grid.ts";
import { writePng } from "../images.ts";
import type { Options } from "./options.ts";

/** Options that only a directory has. */
export const MODEL_OPTIONS: readonly string[] = [
  "model",
  "negative",
  "sampler",
  "height",
  "width",
  "t",
  "input",
  "dtype",
  "text-dtype",
  "tile",
];

/** What `sample --help` says of them. */
export const MODEL_HELP =
  `  --model DIR      a directory of diffusers instead: Stable Diffusion 1.x, 2.x, XL or PixArt-alpha
  --sampler NAME   ddim, dpm-solver++ or euler (what its scheduler is); --steps and --guidance as its pipeline (50 and
                   7.5; PixArt 20 and 4.5; XL 50 and 5)
  --negative TEXT  what guidance goes away from (nothing)
  --one-step       draw as a one-step generator does: as a directory of dipp's says, else at sigma 2.5
  --t N            the timestep of a one-step generator (625 for SD 1.5, 440 for PixArt: sigma 2.5; DMD2's 399)
  --input KIND     what it is fed: vp, a noised zero image (the default), or unit, the noise itself (DMD2)
  --height N       height of a picture, and --width N (what the network is made for)
  --dtype TYPE     how weights lie on the device: f32 (default), f16, bf16; --text-dtype TYPE: the text encoder's
  --tile N         decode by tiles of N latents, for large pictures on small devices`;

/** Steps and guidance of the pipelines of diffusers. */
const DEFAULTS: Readonly<Record<string, { steps: number; omega: number }>> = {
  StableDiffusionPipeline: { steps: 50, omega: 7.5 },
  StableDiffusionXLPipeline: { steps: 50, omega: 5 },
  PixArtAlphaPipeline: { steps: 20, omega: 4.5 },
};

const SAMPLERS = ["ddim", "dpm-solver++", "euler"] as const;
const TYPES = ["f32", "f16", "bf16"] as const;

/**
 * Draws pictures from a directory of diffusers.
 *
 * @param path The directory.
 * @param options The command line's.
 * @returns The exit code.
 */
export async function sampleDiffusers(path: string, options: Options): Promise<number> {
  if (options.text("checkpoint") !== undefined) {
    throw new ConfigError("Options --model and --checkpoint are both given, expected one of them");
  }
  const prompts = promptsOf(options);
  const directory = await DiffusersDirectory.open(path);
  const way = wayOf(directory, options);
  const [dtype, textDtype] = [choice(options, "dtype", TYPES), choice(options, "text-dtype", TYPES)];
  const tile = options.integer("tile", 1), negative = options.text("negative");
  const batch = await drawPrompts(path, {
    prompts,
    way,
    seed: options.integer("seed", 0) ?? 0,
    size: sizeOf(options),
    ...(dtype && { dtype: dtype as WeightType }),
    ...(textDtype && { textDtype: textDtype as WeightType }),
    ...(tile && { tile }),
    ...(negative !== undefined && { negative }),
    onPicture: (done, seconds) => console.error(`${done} of ${prompts.length} in ${seconds.toFixed(1)} s`),
  });
  const out = options.text("out") ?? "sample.png", scale = options.integer("scale", 1) ?? 1;
  const isOne = prompts.length === 1;
  await writePng(out, imageGrid(batch, isOne ? { scale, padding: 0 } : { scale }));
  const how = "steps" in way ? `${way.steps} steps, guidance ${way.omega}` : `one step at ${placeOf(way)}`;
  console.error(`${options.all("prompt").join(", ")} in ${out} (${how})`);
  return 0;
}

function promptsOf(options: Options): string[] {
  const asked = options.all("prompt"), count = options.integer("count", 1) ?? 1;
  if (asked.length === 0) throw new ConfigError("Option --prompt is missing, expected what to draw");
  return asked.flatMap((prompt) => new Array<string>(count).fill(prompt));
}

function sizeOf(options: Options): { height?: number; width?: number } {
  const height = options.integer("height", 1), width = options.integer("width", 1);
  return { ...(height && { height }), ...(width && { width }) };
}

function placeOf({ t, sigmaInit }: OneStepGeneratorOptions): string {
  return t === undefined ? `sigma ${sigmaInit}` : `timestep ${t}`;
}

/** One step where the directory or the command line says so, else the pipeline's steps with guidance. */
function wayOf(directory: DiffusersDirectory, options: Options): Parameters<typeof drawPrompts>[1]["way"] {
  const own = generatorOf(directory);
  const t = options.integer("t", 0), input = choice(options, "input", ["vp", "unit"] as const);
  const many = ["steps", "guidance", "sampler"].filter((name) => options.text(name) !== undefined);
  const isOneStep = options.has("one-step") || t !== undefined || input !== undefined || own && many.length === 0;
  if (!isOneStep) {
    const { steps, omega } = DEFAULTS[directory.pipeline] ?? DEFAULTS.StableDiffusionPipeline;
    const guidance = Number(options.text("guidance") ?? omega);
    if (!Number.isFinite(guidance)) {
      throw new ConfigError(`--guidance is ${options.text("guidance")}, expected a number`);
    }
    const sampler: SamplerName | undefined = choice(options, "sampler", SAMPLERS);
    return { steps: options.integer("steps", 1) ?? steps, omega: guidance, ...(sampler && { sampler }) };
  }
  if (many.length > 0) throw new ConfigError(`--${many[0]} is for many steps, but one is asked for`);
  const place = t !== undefined ? { t } : own?.t !== undefined ? { t: own.t } : { sigmaInit: 2.5 };
  const fed = input ?? own?.input;
  return { ...place, ...(fed && { input: fed }) };
}

function choice<Name extends string>(options: Options, name: string, names: readonly Name[]): Name | undefined {
  const text = options.text(name);
  if (text === undefined || names.includes(text as Name)) return text as Name | undefined;
  throw new ConfigError(`--${name} is ${text}, expected ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);
}
