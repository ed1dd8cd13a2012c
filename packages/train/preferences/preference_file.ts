/** Preferences in a file, with their image files. */
import { z } from "zod";
import { ConfigError } from "../config/config_error.ts";
import { directoryOf, resolvePath, shownPath } from "../config/paths.ts";
import { sha256 } from "../evaluate/sha256.ts";
import { readImage, toPlanar } from "../images.ts";
import type { Pair, PairList } from "./pair_list.ts";
import { parsePreferences, type PreferenceLine } from "./preference_line.ts";

/** What a configuration's `data` says of a file of preferences. */
export interface PreferenceFileConfig {
  /** The file, JSONL. */
  readonly preferences: string;
  /** Side of the squares that images are brought to; null for the network's own. */
  readonly size: number | null;
  /** The share of prompts or pairs to hold out, or another such file. */
  readonly held_out: number | string;
  /** What is held out: whole prompts, or single pairs. */
  readonly split: "prompt" | "pair";
  /** What a tie is: half a win for either, or nothing. */
  readonly ties: "half" | "omit";
  /** A checkpoint whose words are taken; null for those of the file's prompts. */
  readonly vocabulary: string | null;
  /** Where the data comes from, for the card; null for the file's name. */
  readonly source: string | null;
}

/**
 * The schema of {@linkcode PreferenceFileConfig}.
 *
 * @param input The schema of a file that must exist.
 */
export function preferenceFileSchema(input: z.ZodType<string, string>): z.ZodType<PreferenceFileConfig> {
  return z.strictObject({
    preferences: input,
    size: z.int().positive().nullable().default(null),
    held_out: z.union([z.number().min(0).lt(1), input]).default(0.2),
    split: z.enum(["prompt", "pair"]).default("prompt"),
    ties: z.enum(["half", "omit"]).default("half"),
    vocabulary: input.nullable().default(null),
    source: z.string().min(1).nullable().default(null),
  });
}

/** Preferences from a file: prompts, pairs, and images that are read when they are asked for. */
export class PreferenceFile implements PairList {
  /** What was asked for. */
  readonly config: PreferenceFileConfig;
  /** Where the data comes from. */
  readonly source: string;
  /** The prompts, each once, in the order in which they come. */
  readonly prompts: readonly string[];
  /** Pairs to learn from. */
  readonly train: readonly Pair[];
  /** Pairs to measure on. */
  readonly heldOut: readonly Pair[];
  readonly #files: readonly string[];

  private constructor(config: PreferenceFileConfig, files: Listing, train: readonly Pair[], heldOut: readonly Pair[]) {
    this.config = config;
    this.source = config.source ?? `preferences of ${shownPath(config.preferences)}`;
    this.prompts = [...files.prompts.keys()];
    this.#files = [...files.images.keys()];
    this.train = train;
    this.heldOut = heldOut;
  }

  /**
   * Reads preferences and looks whether their images are there.
   *
   * @param config The file, and how to take it.
   * @returns The preferences.
   * @throws {ConfigError} If a line is wrong, an image is missing, or nothing is left to learn from or to measure on.
   */
  static async read(config: PreferenceFileConfig): Promise<PreferenceFile> {
    const listing: Listing = { prompts: new Map(), images: new Map() };
    const own = await readPairs(config.preferences, config, listing);
    const { held_out, preferences } = config;
    const [train, heldOut] = typeof held_out === "string"
      ? [own, await readPairs(held_out, config, listing)]
      : splitPairs(own, [...listing.prompts.keys()], held_out, config.split);
    if (train.length === 0) {
      throw new ConfigError(`${preferences} holds ${own.length} pairs, of which none is left to learn from`);
    }
    if (heldOut.length === 0 && held_out !== 0) {
      const what = config.split === "prompt" ? `${listing.prompts.size} prompts` : `${own.length} pairs`;
      throw new ConfigError(
        typeof held_out === "string"
          ? `${held_out} holds no pairs, expected some to measure on`
          : `${preferences} holds ${what}, too few to hold ${held_out} of them out`,
      );
    }
    return new PreferenceFile(config, listing, train, heldOut);
  }

  /** Number of image files. */
  get images(): number {
    return this.#files.length;
  }

  /**
   * Reads an image: its largest centred square, scaled (Lanczos 3), on white.
   *
   * @param image Its number.
   * @param size Side of the square.
   * @returns `[3, size, size]` in [0, 1].
   * @throws {TypeError} If the file is no image.
   */
  async pixels(image: number, size: number): Promise<Float32Array> {
    return toPlanar(await readImage(this.#files[image], { width: size, height: size, fit: "cover" }));
  }
}

/** Prompts and image files with their numbers. */
interface Listing {
  readonly prompts: Map<string, number>;
  readonly images: Map<string, number>;
}

async function readPairs(file: string, { ties }: PreferenceFileConfig, listing: Listing): Promise<Pair[]> {
  const base = directoryOf(file);
  const lines = parsePreferences(await Deno.readTextFile(file), file);
  const pairs: Pair[] = [];
  for (const line of lines) {
    if (line.isTie && ties === "omit") continue;
    // One after the other: images are numbered in the order of the file
    const chosen = await imageNumber(line, "chosen", base, file, listing);
    const rejected = await imageNumber(line, "rejected", base, file, listing);
    if (chosen === rejected) {
      throw new ConfigError(
        `${file} line ${line.line}: chosen and rejected are both ${line.chosen}, expected two images`,
      );
    }
    pairs.push({ chosen, rejected, prompt: numberOf(line.prompt, listing.prompts), isTie: line.isTie });
  }
  return pairs;
}

async function imageNumber(
  line: PreferenceLine,
  field: "chosen" | "rejected",
  base: string,
  file: string,
  { images }: Listing,
): Promise<number> {
  const path = resolvePath(base, line[field]);
  if (!images.has(path) && !await Deno.stat(path).then((info) => info.isFile, () => false)) {
    throw new ConfigError(`${file} line ${line.line}: ${field} is ${line[field]}, but there is no file ${path}`);
  }
  return numberOf(path, images);
}

function numberOf(key: string, numbers: Map<string, number>): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
}

/** Holds out the prompts, or the pairs, whose hashes are the smallest: the same on every machine and in every run. */
function splitPairs(
  pairs: readonly Pair[],
  prompts: readonly string[],
  share: number,
  split: PreferenceFileConfig["split"],
): [train: Pair[], heldOut: Pair[]] {
  // A pair is known by its prompt and by how many of the prompt came before it
  const seen = new Map<number, number>();
  const keys = pairs.map(({ prompt }) => {
    const before = seen.get(prompt) ?? 0;
    seen.set(prompt, before + 1);
    return sha256(split === "prompt" ? prompts[prompt] : `${prompts[prompt]}\n${before}`);
  });
  const sorted = [...new Set(keys)].sort();
  const count = share === 0 ? 0 : Math.min(sorted.length - 1, Math.max(1, Math.round(share * sorted.length)));
  const held = new Set(sorted.slice(0, count));
  return [pairs.filter((_, i) => !held.has(keys[i])), pairs.filter((_, i) => held.has(keys[i]))];
}
