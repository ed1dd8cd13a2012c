/** Pictures of prompts from a directory of diffusers. */
import {
  type Cond,
  condFields,
  DiffusersDirectory,
  guided,
  type ImageSize,
  LatentDiffusion,
  makeSampleFn,
  OneStepGenerator,
  type OneStepGeneratorOptions,
  PromptEncoder,
  type SamplerName,
} from "@dipp/scores";
import { compile, init, randn, type Tensor } from "@dipp/tensor";
import { stepKey, STREAM } from "../run/step_key.ts";

/** How weights lie on the device. */
export type WeightType = "f32" | "f16" | "bf16";

/** What {@linkcode drawPrompts} draws, and how. */
export interface DrawOptions {
  /** What to draw, one picture each. */
  readonly prompts: readonly string[];
  /** What guidance goes away from; by default the empty prompt. */
  readonly negative?: string;
  /** Size of the pictures; by default what the network is made for. */
  readonly size?: Partial<ImageSize>;
  /** Seed of the noise; picture i of a seed has the same noise whatever else is drawn. */
  readonly seed: number;
  /** Many steps with guidance, or one. */
  readonly way:
    | { readonly steps: number; readonly omega: number; readonly sampler?: SamplerName }
    | OneStepGeneratorOptions;
  /** How the network's and the autoencoder's weights lie on the device; default f32. */
  readonly dtype?: WeightType;
  /** The same of the text encoder, which computes in f32 whatever it is; default f32. */
  readonly textDtype?: WeightType;
  /** Side of the tiles, in latents, that larger pictures are decoded by. */
  readonly tile?: number;
  /** Called with each picture when it is done. */
  readonly onPicture?: (done: number, seconds: number) => void;
}

/**
 * Draws pictures: prompts are encoded first, and the text encoder is let go before the network is loaded; then picture by
 * picture.
 *
 * @param path The directory.
 * @param options What, and how.
 * @returns Images in [0, 1], `[N, 3, H, W]`.
 * @throws {TypeError} If the directory is not what it should be.
 * @throws {RangeError} If a size, a checkpoint or a number of steps does not fit.
 */
export async function drawPrompts(
  path: string,
  options: DrawOptions,
): Promise<{ data: Float32Array; shape: number[] }> {
  const { prompts, way, seed, dtype = "f32", textDtype = "f32", onPicture } = options;
  const directory = await DiffusersDirectory.open(path);
  const diffusion = await LatentDiffusion.describe(directory);
  const size = { ...diffusion.imageSize, ...options.size };
  const shape = diffusion.latentShape(1, size);
  // What is wrong is said before the text encoder is loaded
  const sampler = "steps" in way ? diffusion.scheduler.sampler(way.steps, way.sampler) : undefined;
  checkTime(way, diffusion.scheduler.schedule.numTrainTimesteps);
  await init();
  const { conds, none } = await encodeAll(directory, diffusion.sizeCond(size), options, textDtype);
  const model = diffusion.scoreModel(await diffusion.loadParams({ dtype }));
  const draw = sampler && "steps" in way
    ? makeSampleFn(guided(model, way.omega, none), { sampler, compile: true })
    : oneStep(new OneStepGenerator(model, way as OneStepGeneratorOptions));
  using decoder = await diffusion.loadDecoder({ dtype, ...(options.tile && { tile: options.tile }) });
  const decode = compile((latents: Tensor) => decoder.decode(latents).clamp(0, 1));

  const pixels = 3 * size.height * size.width;
  const data = new Float32Array(prompts.length * pixels);
  for (const [i, cond] of conds.entries()) {
    const began = performance.now();
    const noise = await randn(stepKey(seed, STREAM.samples, i), shape).realize();
    data.set(await decode(draw(noise, cond)).data() as Float32Array, i * pixels);
    onPicture?.(i + 1, (performance.now() - began) / 1000);
  }
  return { data, shape: [prompts.length, 3, size.height, size.width] };
}

/** Conditions of all prompts, of one row each, and what guidance goes away from. */
async function encodeAll(
  directory: DiffusersDirectory,
  size: Cond,
  { prompts, negative }: Pick<DrawOptions, "prompts" | "negative">,
  dtype: WeightType,
): Promise<{ conds: Cond[]; none: Cond }> {
  using encoder = await PromptEncoder.load(directory, { dtype });
  const known = new Map<string, Cond>();
  for (const prompt of new Set(prompts)) known.set(prompt, { ...await encoder.encode([prompt]), ...size });
  const none = { ...(negative === undefined ? await encoder.null() : await encoder.encode([negative])), ...size };
  return { conds: prompts.map((prompt) => known.get(prompt)!), none };
}

function checkTime(way: DrawOptions["way"], times: number): void {
  if ("steps" in way || way.t === undefined || way.t < times) return;
  throw new RangeError(`The timestep of a one-step generator is ${way.t}, expected at most ${times - 1}`);
}

function oneStep(generator: OneStepGenerator): (noise: Tensor, cond: Cond) => Tensor {
  const run = compile(({ noise, ...cond }: Record<string, Tensor>) => generator.generate(noise, cond));
  return (noise, cond) => run({ noise, ...condFields(cond) });
}
