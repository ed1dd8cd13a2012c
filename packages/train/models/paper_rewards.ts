/** The rewards that papers report, by name, from their released weights. */
import { openTensors, SafetensorsEntry } from "@dipp/nn";
import {
  aestheticReward,
  clipScoreReward,
  type ClipScoreVariant,
  hpsv2Reward,
  imageReward,
  parseCLIPConfig,
  pickScoreReward,
  type PixelReward,
  type RewardWeights,
  type WeightDType,
} from "@dipp/rewards";
import { loadTokenizer, type TextTokenizer } from "@dipp/scores";
import { ConfigError } from "../config/config_error.ts";

type Config = Parameters<typeof parseCLIPConfig>[0];

/** Where a reward's files lie, relative to the folder of weights, and what is made of them. */
interface Recipe {
  readonly label: string;
  readonly files: readonly string[];
  /** Transformers' configuration beside the weights; the released sizes where there is none. */
  readonly config?: string;
  readonly tokenizer?: { readonly folder: string; readonly className: string };
  /** The name of the token ids. */
  readonly tokens?: string;
  /** What every prompt begins with. */
  readonly prefix?: string;
  make(weights: readonly RewardWeights[], config: Config | undefined, dtype: WeightDType): Promise<PixelReward>;
}

const CLIP_TOKENIZER = { folder: "openai/clip-vit-large-patch14", className: "CLIPTokenizer" };
const BERT_TOKENIZER = { folder: "google-bert/bert-base-uncased", className: "BertTokenizer" };
const L14 = "openai/clip-vit-large-patch14/model.safetensors";

const clip = (config: Config | undefined) => config === undefined ? {} : { config: parseCLIPConfig(config) };

function hpsv2(version: "v2.0" | "v2.1", file: string): Recipe {
  return {
    label: version === "v2.0" ? "HPSv2.0" : "HPSv2.1",
    files: [`xswu/HPSv2/${file}`],
    config: "xswu/HPSv2/config.json",
    tokenizer: CLIP_TOKENIZER,
    tokens: "clip",
    make: ([weights], config, dtype) => hpsv2Reward(weights, { version, output: "benchmark", dtype, ...clip(config) }),
  };
}

function clipScore(variant: ClipScoreVariant, label: string, file: string, prefix = ""): Recipe {
  return {
    label,
    files: [file],
    config: file.replace(/[^/]*$/, "config.json"),
    tokenizer: CLIP_TOKENIZER,
    tokens: prefix === "" ? "clip" : "clip_photo",
    prefix,
    make: ([weights], config, dtype) => clipScoreReward(weights, { variant, dtype, ...clip(config) }),
  };
}

const PHOTO = "A photo depicts ";

const RECIPES: Readonly<Record<string, Recipe>> = {
  imagereward: {
    label: "ImageReward",
    files: ["THUDM/ImageReward/ImageReward.pt"],
    tokenizer: BERT_TOKENIZER,
    tokens: "bert",
    make: ([weights], _, dtype) => imageReward(weights, { dtype }),
  },
  hpsv2: hpsv2("v2.0", "HPS_v2_compressed.pt"),
  "hpsv2.1": hpsv2("v2.1", "HPS_v2.1_compressed.pt"),
  pickscore: {
    label: "PickScore",
    files: ["yuvalkirstain/PickScore_v1/model.safetensors"],
    config: "yuvalkirstain/PickScore_v1/config.json",
    tokenizer: CLIP_TOKENIZER,
    tokens: "clip",
    make: ([weights], config, dtype) => pickScoreReward(weights, { dtype, ...clip(config) }),
  },
  aesthetic: {
    label: "Aesthetic",
    files: [L14, "christophschuhmann/improved-aesthetic-predictor/sac+logos+ava1-l14-linearMSE.pth"],
    config: "openai/clip-vit-large-patch14/config.json",
    make: ([tower, head], config, dtype) =>
      aestheticReward(
        { clip: tower, head },
        config === undefined ? { dtype } : { dtype, config: parseCLIPConfig(config).vision_config },
      ),
  },
  "clipscore-hessel": clipScore(
    "hessel",
    "CLIPScore (Hessel)",
    "openai/clip-vit-base-patch32/pytorch_model.bin",
    PHOTO,
  ),
  "clipscore-image_reward": clipScore("image_reward", "CLIP cosine (ImageReward's)", L14),
  "clipscore-percent": clipScore("percent", "CLIPScore (100 cos, L/14)", L14),
  "clipscore-dmd2": clipScore(
    "dmd2",
    "CLIP cosine (DMD2's)",
    "laion/CLIP-ViT-g-14-laion2B-s12B-b42K/open_clip_pytorch_model.bin",
    PHOTO,
  ),
};

/** The names of these rewards. */
export const PAPER_REWARDS: readonly string[] = Object.keys(RECIPES);

/**
 * The files of a released reward, relative to the folder of weights.
 *
 * @param name One of {@linkcode PAPER_REWARDS}.
 * @returns Weights, configuration and tokenizer.
 */
export function paperRewardFiles(name: string): string[] {
  const { files, config, tokenizer } = RECIPES[name];
  const vocabulary = tokenizer?.className === "CLIPTokenizer"
    ? ["vocab.json", "merges.txt", "tokenizer_config.json"]
    : ["tokenizer.json", "tokenizer_config.json"];
  return [
    ...files,
    // HPSv2 is released without a configuration
    ...(config === undefined || config.startsWith("xswu/") ? [] : [config]),
    ...(tokenizer ? vocabulary.map((file) => `${tokenizer.folder}/${file}`) : []),
  ];
}

/** A released reward, ready to score. */
export interface PaperReward {
  /** Its name for people. */
  readonly label: string;
  /** The reward. */
  readonly reward: PixelReward;
  /** The files of its weights. */
  readonly files: readonly string[];
  /** The name of its token ids in a reward's prompts; none where it does not read prompts. */
  readonly tokens?: string;
  /** Token ids of prompts, `[N, length]` row-major. */
  encode?(texts: readonly string[]): { ids: Int32Array<ArrayBuffer>; length: number };
}

/**
 * Loads a released reward.
 *
 * @param name One of {@linkcode PAPER_REWARDS}.
 * @param folder Where weights lie, by the names of their repositories.
 * @param dtype How its matrices lie on the device.
 * @returns The reward.
 * @throws {ConfigError} If a file is missing; the error names it.
 */
export async function loadPaperReward(name: string, folder: string, dtype: WeightDType = "f32"): Promise<PaperReward> {
  const recipe = RECIPES[name];
  const files = recipe.files.map((file) => `${folder}/${file}`);
  for (const file of files) await requireFile(name, file);
  let tokenizer: TextTokenizer | undefined;
  if (recipe.tokenizer) {
    const { folder: own, className } = recipe.tokenizer;
    const vocabulary = className === "CLIPTokenizer" ? "vocab.json" : "tokenizer.json";
    if (!await isFile(`${folder}/${own}/tokenizer.json`)) await requireFile(name, `${folder}/${own}/${vocabulary}`);
    tokenizer = await loadTokenizer(`${folder}/${own}`, { className });
  }
  const config = await configOf(recipe, folder);
  const weights = [];
  for (const file of files) weights.push(await readWeights(file));
  const { tokens, prefix = "", label } = recipe;
  return {
    label,
    files,
    reward: await recipe.make(weights, config, dtype),
    ...(tokens === undefined ? {} : { tokens }),
    ...(tokenizer ? { encode: (texts) => tokenizer.encode(texts.map((text) => prefix + text)) } : {}),
  };
}

/**
 * A released reward in shape only, to plan with: neither weights nor a tokenizer need be there.
 *
 * @param name One of {@linkcode PAPER_REWARDS}.
 * @param folder Where configurations beside the weights are looked for; without them the sizes are the released ones.
 * @param dtype How its matrices would lie on the device.
 * @returns The reward, and how many tokens of a prompt it is given, at least one.
 */
export async function planPaperReward(
  name: string,
  folder: string | null,
  dtype: WeightDType,
): Promise<Omit<PaperReward, "encode"> & { readonly length: number }> {
  const recipe = RECIPES[name];
  const { label, tokens, files } = recipe;
  const config = folder === null ? undefined : await configOf(recipe, folder);
  const reward = await recipe.make(files.map(() => "shapes"), config, dtype);
  const length = tokens === undefined ? 1 : recipe.tokenizer?.className === "BertTokenizer" ? 35 : 77;
  return { label, files, reward, length, ...(tokens === undefined ? {} : { tokens }) };
}

/**
 * Reads all tensors of a checkpoint.
 *
 * @param path The file, in any format that is known.
 * @returns The tensors by name.
 */
export async function readWeights(path: string): Promise<Map<string, SafetensorsEntry>> {
  using file = await openTensors(path);
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, tensor] of file.tensors) {
    const { dtype, bytes } = await tensor.read();
    entries.set(name, new SafetensorsEntry(dtype, tensor.shape, bytes));
  }
  return entries;
}

async function configOf(recipe: Recipe, folder: string): Promise<Config | undefined> {
  if (recipe.config === undefined || !await isFile(`${folder}/${recipe.config}`)) return undefined;
  return JSON.parse(await Deno.readTextFile(`${folder}/${recipe.config}`)) as Config;
}

async function requireFile(name: string, path: string): Promise<void> {
  if (await isFile(path)) return;
  throw new ConfigError(
    `Metric ${name} needs weights that are not on this machine: there is no ${path}; ` +
      `deno task fetch ${name} downloads them`,
  );
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
