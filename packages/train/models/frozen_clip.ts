/** A CLIP that judges stand on and that does not learn: dipp's own, or a released one in a directory of transformers. */
import { loadParams, type Params, realizeParams, type SafetensorsEntry } from "@dipp/nn";
import {
  clipEncoder,
  contrastiveEncoder,
  type ContrastiveInput,
  ContrastiveModel,
  type ContrastiveParams,
  type ImageTextEncoder,
  type Prompts,
} from "@dipp/rewards";
import { loadTokenizer } from "@dipp/scores";
import { key, tensor } from "@dipp/tensor";
import { z } from "zod";
import { ConfigError } from "../config/config_error.ts";
import { shownPath } from "../config/paths.ts";
import { sha256OfFiles } from "../evaluate/sha256.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { readModel } from "./model_file.ts";
import { readWeights } from "./paper_rewards.ts";

/** How a configuration asks for a reward on a frozen CLIP. */
export interface FrozenClipConfig {
  /** A checkpoint of kind "clip", or a directory of transformers. */
  readonly clip: string;
  /** Width of the hidden layer of the head that learns. */
  readonly hidden: number;
  /** How a released CLIP's weights lie on the device. */
  readonly dtype: "f32" | "f16" | "bf16";
}

/**
 * The schema of {@linkcode FrozenClipConfig}.
 *
 * @param path The schema of a path.
 */
export function frozenClipSchema(path: z.ZodType<string, string>): z.ZodType<FrozenClipConfig> {
  return z.strictObject({
    clip: path.refine(exists, { error: "no such file or directory" }),
    hidden: z.int().positive().default(64),
    dtype: z.enum(["f32", "f16", "bf16"]).default("f32"),
  });
}

/** What a checkpoint of a reward says of the CLIP that it stands on. */
export type FrozenClipDescription =
  | { readonly clip: unknown }
  | {
    readonly transformers: {
      readonly path: string;
      readonly sha256: string;
      readonly dtype: FrozenClipConfig["dtype"];
    };
  };

/** A CLIP, ready to encode. */
export interface FrozenClip {
  /** Features of unit length, differentiable in the images. */
  readonly encoder: ImageTextEncoder;
  /** Length of a feature vector. */
  readonly features: number;
  /** Side of the images that it saw in training. */
  readonly size: number;
  /** Its words, where it has words and no tokenizer. */
  readonly vocabulary?: Vocabulary;
  /** What a checkpoint says of it. */
  readonly description: FrozenClipDescription;
  /** Parameters that a checkpoint holds, where it is small enough to go along. */
  readonly params?: Params;
  /** Prompts as its text encoder reads them. */
  prompts(texts: readonly string[]): Prompts;
}

/**
 * Opens a CLIP.
 *
 * @param config Where it lies.
 * @returns The CLIP.
 * @throws {ConfigError} If it is neither a checkpoint of kind "clip" nor a directory of transformers that can be read.
 */
export async function openFrozenClip({ clip, dtype }: Pick<FrozenClipConfig, "clip" | "dtype">): Promise<FrozenClip> {
  try {
    if (Deno.statSync(clip).isDirectory) return await released(clip, dtype);
    const { description, tensors, vocabulary } = await readModel(clip, ["clip"]);
    return await ownClip(description.model, tensors, vocabulary, description.image_size);
  } catch (error) {
    throw new ConfigError(`model.clip is ${clip}: ${(error as Error).message}`);
  }
}

/**
 * A CLIP of dipp's own.
 *
 * @param model Its configuration.
 * @param tensors Its parameters by name.
 * @param vocabulary Its words.
 * @param size Side of its images.
 * @param prefix What the names begin with.
 */
export async function ownClip(
  model: unknown,
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  vocabulary: Vocabulary,
  size: number,
  prefix = "",
): Promise<FrozenClip> {
  const network = new ContrastiveModel(model as ContrastiveInput);
  const own = new Map([...tensors].filter(([name]) => name.startsWith(prefix)));
  const params: ContrastiveParams = loadParams(network.init(key(0)), own, { dtype: "f32", prefix });
  await realizeParams(params);
  return {
    encoder: contrastiveEncoder(network, params),
    features: network.config.image.features,
    size,
    vocabulary,
    description: { clip: network.config },
    params,
    prompts: (texts) => ({ ids: tensor(vocabulary.encodeAll(texts), [texts.length, vocabulary.maxLength]), texts }),
  };
}

/** Weights in a directory of transformers, in the order in which they are looked for. */
const WEIGHTS = ["model.safetensors", "pytorch_model.bin"];

/**
 * A released CLIP.
 *
 * @param directory A directory of transformers: `config.json`, weights, tokenizer.
 * @param dtype How its weights lie on the device.
 * @param expected The weights' SHA-256, where they must be certain ones.
 */
export async function released(
  directory: string,
  dtype: FrozenClipConfig["dtype"],
  expected?: string,
): Promise<FrozenClip> {
  const file = WEIGHTS.map((name) => `${directory}/${name}`).find(exists);
  if (file === undefined) throw new TypeError(`there is no ${WEIGHTS.join(" and no ")} in it`);
  const sha256 = await sha256OfFiles([file]);
  if (expected !== undefined && sha256 !== expected) {
    throw new RangeError(`${file} has the SHA-256 ${sha256}, expected ${expected}, with which the reward was trained`);
  }
  const config = JSON.parse(await Deno.readTextFile(`${directory}/config.json`));
  const tokenizer = await loadTokenizer(directory, { className: "CLIPTokenizer" });
  const encode = (texts: readonly string[]) => {
    const { ids, length } = tokenizer.encode(texts);
    return { ids, length };
  };
  const encoder = await clipEncoder(await readWeights(file), {
    config,
    dtype,
    tokenizer: (texts) => {
      const { ids, length } = encode(texts);
      return texts.map((_, i) => [...ids.subarray(i * length, (i + 1) * length)]);
    },
  });
  return {
    encoder,
    features: encoder.features,
    size: encoder.preprocess.options.size,
    description: { transformers: { path: shownPath(directory), sha256, dtype } },
    prompts(texts) {
      const { ids, length } = encode(texts);
      const clip = tensor(ids, [texts.length, length]);
      return { ids: clip, texts, tokens: { clip } };
    },
  };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
