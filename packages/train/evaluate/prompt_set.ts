/** Sets of prompts: files of one's own, and the benchmarks' by name. */
import { ConfigError } from "../config/config_error.ts";
import { cacheFolder } from "./cache.ts";
import { sha256 } from "./sha256.ts";

/** Prompts with what a report says of them. */
export interface PromptSet {
  /** Name of the set, or the file. */
  readonly name: string;
  /** The prompts, in order. */
  readonly prompts: readonly string[];
  /** The style of each prompt, where the set has styles. */
  readonly styles?: readonly string[];
  /** SHA-256 of the prompts, joined by line feeds. */
  readonly sha256: string;
}

/** HPSv2's styles, in the order of its tables. */
const HPSV2_STYLES = ["anime", "concept-art", "paintings", "photo"];

/** Sets by name: the files, relative to the cache directory, with the style that each stands for. */
const NAMED: Readonly<Record<string, readonly { file: string; style?: string }[]>> = {
  hpsv2: HPSV2_STYLES.map((style) => ({ file: `hpsv2/${style}.json`, style })),
  ...Object.fromEntries(HPSV2_STYLES.map((style) => [`hpsv2-${style}`, [{ file: `hpsv2/${style}.json` }]])),
  partiprompts: [{ file: "partiprompts/PartiPrompts.tsv" }],
  "coco-2017-val": [{ file: "coco-2017-val/captions_val2017.json" }],
};

/** Who publishes the sets. */
const SOURCES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(["hpsv2", ...HPSV2_STYLES.map((s) => `hpsv2-${s}`)].map((name) => [name, "zhwang/HPDv2"])),
  partiprompts: "google-research/parti",
  "coco-2017-val": "cocodataset.org (annotations_trainval2017)",
};

/** Whether the model hub has the set. */
const isFetched = (name: string) => !/^coco/.test(name);

/**
 * The files of a set, relative to the folder of prompt sets.
 *
 * @param name One of {@linkcode PROMPT_SETS}.
 */
export function promptSetFiles(name: string): string[] {
  return NAMED[name].map(({ file }) => file);
}

/** The names of the sets that are known by name. */
export const PROMPT_SETS: readonly string[] = Object.keys(NAMED);

/**
 * A set of prompts that is at hand.
 *
 * @param name What to call it.
 * @param prompts The prompts.
 * @param styles The style of each.
 * @returns The set.
 * @throws {ConfigError} If there is no prompt, or an empty one.
 */
export function promptSet(name: string, prompts: readonly string[], styles?: readonly string[]): PromptSet {
  if (prompts.length === 0) throw new ConfigError(`Prompt set ${name} is empty, expected at least one prompt`);
  const empty = prompts.findIndex((prompt) => prompt.trim() === "");
  if (empty >= 0) throw new ConfigError(`Prompt ${empty} of ${name} is empty, expected text`);
  return { name, prompts, sha256: sha256(prompts.join("\n")), ...(styles ? { styles } : {}) };
}

/**
 * Reads a set by its name, or a file: JSON (an array of texts, or of objects with `prompt`; COCO's captions), TSV with a
 * column `Prompt`, or text with one prompt a line.
 *
 * @param nameOrFile One of {@linkcode PROMPT_SETS}, or a path.
 * @param cache Where sets by name lie.
 * @returns The prompts.
 * @throws {ConfigError} If a file is not there or not in its format.
 */
export async function readPromptSet(nameOrFile: string, cache: string = cacheFolder("prompts")): Promise<PromptSet> {
  const parts = NAMED[nameOrFile];
  if (parts === undefined) return promptSet(nameOrFile, await readPrompts(nameOrFile, nameOrFile));
  const prompts: string[] = [], styles: string[] = [];
  for (const { file, style } of parts) {
    const own = await readPrompts(`${cache}/${file}`, nameOrFile);
    prompts.push(...own);
    if (style !== undefined) styles.push(...own.map(() => style));
  }
  return promptSet(nameOrFile, prompts, styles.length > 0 ? styles : undefined);
}

async function readPrompts(path: string, name: string): Promise<string[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new ConfigError(
      name in NAMED
        ? `Prompt set ${name} is not on this machine: there is no ${path}, expected the file as ${
          SOURCES[name]
        } has it` +
          (isFetched(name) ? `; deno task fetch prompts:${name} downloads it` : "")
        : `--prompts is ${path}: no such file, expected a file or one of ${PROMPT_SETS.join(", ")}`,
    );
  }
  if (/\.json$/i.test(path)) return fromJson(text, path);
  const lines = text.split(/\r?\n/);
  if (!/\.tsv$/i.test(path)) return lines.filter((line) => line.trim() !== "");
  const column = lines[0].split("\t").findIndex((title) => title.toLowerCase() === "prompt");
  if (column < 0) throw new ConfigError(`${path} has the columns ${JSON.stringify(lines[0])}, expected one "Prompt"`);
  return lines.slice(1).filter((line) => line.trim() !== "").map((line) => line.split("\t")[column] ?? "");
}

/** One caption of COCO's annotation files. */
interface CocoCaption {
  readonly image_id: number;
  readonly id: number;
  readonly caption: string;
}

function fromJson(text: string, path: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${path} is not JSON: ${(error as Error).message}`);
  }
  const captions = (value as { annotations?: unknown } | null)?.annotations;
  if (Array.isArray(captions)) return firstCaptions(captions as CocoCaption[]);
  if (!Array.isArray(value)) throw new ConfigError(`${path} holds no array, expected prompts`);
  return value.map((item, i) => {
    const prompt = typeof item === "string" ? item : (item as { prompt?: unknown } | null)?.prompt;
    if (typeof prompt !== "string") {
      throw new ConfigError(`${path} has ${JSON.stringify(item)} at ${i}, expected a text or an object with a prompt`);
    }
    return prompt;
  });
}

/** The caption with the lowest id of each image, images by their ids: one prompt an image, whatever the file's order. */
function firstCaptions(captions: readonly CocoCaption[]): string[] {
  const first = new Map<number, CocoCaption>();
  for (const caption of captions) {
    const known = first.get(caption.image_id);
    if (known === undefined || caption.id < known.id) first.set(caption.image_id, caption);
  }
  return [...first.values()].sort((a, b) => a.image_id - b.image_id).map(({ caption }) => caption.trim());
}
