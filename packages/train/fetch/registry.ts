/** What can be fetched by name: released weights, and prompt sets. */
import { ConfigError } from "../config/config_error.ts";
import { PROMPT_SETS, promptSetFiles } from "../evaluate/prompt_set.ts";
import { PAPER_REWARDS, paperRewardFiles } from "../models/paper_rewards.ts";

/** A file of a repository, and where it goes. */
export interface FetchFile {
  /** The repository, `OWNER/NAME`. */
  readonly repo: string;
  /** Whether it holds a model or a data set. */
  readonly type: "model" | "dataset";
  /** The file in it. */
  readonly path: string;
  /** Where it goes, relative to the cache. */
  readonly to: string;
  /** SHA-256 of the released file, where it is known; elsewhere the hub's own is what is compared with. */
  readonly sha256?: string;
}

/** Files that lie elsewhere than a recipe names them: the repository on GitHub, and where the hub has a copy. */
const MOVED: Readonly<Record<string, Pick<FetchFile, "repo" | "sha256"> | undefined>> = {
  "christophschuhmann/improved-aesthetic-predictor/sac+logos+ava1-l14-linearMSE.pth": {
    repo: "camenduru/improved-aesthetic-predictor",
    sha256: "21dd590f3ccdc646f0d53120778b296013b096a035a2718c9cb0d511bff0f1e0",
  },
};

/** Contrastive models by their names in papers. */
const CLIP: Readonly<Record<string, readonly string[]>> = {
  "clip-vit-b-32": paperRewardFiles("clipscore-hessel").slice(0, 2),
  "clip-vit-l-14": paperRewardFiles("clipscore-percent").slice(0, 2),
  "clip-vit-h-14": [
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K/open_clip_pytorch_model.bin",
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K/open_clip_config.json",
  ],
  "clip-vit-g-14": paperRewardFiles("clipscore-dmd2").slice(0, 1),
};

/** Where the hub has prompt sets, by the beginning of a file's path; a set that is not here it has not. */
const PROMPTS: readonly { readonly begins: string; readonly repo: string; readonly folder: string }[] = [
  { begins: "hpsv2/", repo: "zhwang/HPDv2", folder: "benchmark/" },
  { begins: "partiprompts/", repo: "nateraw/parti-prompts", folder: "" },
];

/** Digests of prompt files as they are released. */
const PROMPT_SHA256: Readonly<Record<string, string>> = {
  "hpsv2/anime.json": "6b38a479cc6f899866e9b7a8bf91f096b4afc6883b95275a61891327182b14ae",
  "hpsv2/concept-art.json": "530d057deafcb82c581e9d1be2ffcb98828fe99f0b54257414d2ab8a5cf2b83e",
  "hpsv2/paintings.json": "6570d39467e08b24b64e5b8a4177b0f61c525631121dc5a91fe2ab956eab4d5f",
  "hpsv2/photo.json": "92a3c9a0f743f66eb87bd112cdda830d6bdb4c073c86021d53b74001fcb18052",
};

function weights(file: string): FetchFile {
  const [owner, name, ...path] = file.split("/");
  const { repo = `${owner}/${name}`, sha256 } = MOVED[file] ?? {};
  return { repo, type: "model", path: path.join("/"), to: `weights/${file}`, ...(sha256 ? { sha256 } : {}) };
}

function prompts(file: string): FetchFile[] {
  const sha256 = PROMPT_SHA256[file];
  return PROMPTS.filter(({ begins }) => file.startsWith(begins)).map(({ begins, repo, folder }) => ({
    repo,
    type: "dataset",
    path: folder + file.slice(begins.length),
    to: `prompts/${file}`,
    ...(sha256 ? { sha256 } : {}),
  }));
}

const REGISTRY: ReadonlyMap<string, readonly FetchFile[]> = new Map([
  ...PAPER_REWARDS.map((name) => [name, paperRewardFiles(name).map(weights)] as const),
  ...Object.entries(CLIP).map(([name, files]) => [name, files.map(weights)] as const),
  ...PROMPT_SETS.map((name) => [`prompts:${name}`, promptSetFiles(name).flatMap(prompts)] as const)
    .filter(([, files]) => files.length > 0),
]);

/** All names. */
export const FETCH_NAMES: readonly string[] = [...REGISTRY.keys()];

/**
 * The files of several names, each once.
 *
 * @param names Names of {@linkcode FETCH_NAMES}.
 * @returns The files, in order.
 * @throws {ConfigError} If a name is not known.
 */
export function fetchFiles(names: readonly string[]): FetchFile[] {
  const files = names.flatMap((name) => {
    const found = REGISTRY.get(name);
    if (found) return found;
    throw new ConfigError(`"${name}" is no name of weights or prompts, expected one of ${FETCH_NAMES.join(", ")}`);
  });
  return [...new Map(files.map((file) => [file.to, file])).values()];
}
