/** The images of an evaluation as files: what was drawn before is not drawn again. */
import { writeAtomic } from "@dipp/nn";
import { ConfigError } from "../config/config_error.ts";
import { firstDifference } from "../config/load_config.ts";
import { shownPath } from "../config/paths.ts";
import { encodePng, fromPlanar } from "../images.ts";
import { Progress } from "../run/progress.ts";
import type { EvaluationItem } from "./evaluation_items.ts";
import type { ImageSource, SubjectFacts } from "./image_source.ts";
import { sha256OfFiles } from "./sha256.ts";

/** What decides what is drawn; a directory holds images of one such record. */
export interface DrawingRecord {
  /** What draws. */
  readonly subject: SubjectFacts;
  /** Seed of the noise. */
  readonly seed: number;
  /** The prompts' name and hash. */
  readonly prompts: { readonly name: string; readonly sha256: string; readonly count: number };
  /** Images of each prompt. */
  readonly copies: number;
}

/** Images on disk, in the order of the items. */
export interface StoredImages {
  /** What is shown in them. */
  readonly items: readonly EvaluationItem[];
  /** Their files. */
  readonly files: readonly string[];
}

/**
 * Draws what a directory does not hold yet. Every image is a whole file or none, so a killed evaluation goes on with
 * the first that is missing.
 *
 * @param source What draws.
 * @param items What to draw.
 * @param record What decides what is drawn.
 * @param out The directory; images go to `images` in it.
 * @returns The files, and how many were there before.
 * @throws {ConfigError} If the directory holds an evaluation of something else.
 */
export async function drawMissing(
  source: ImageSource,
  items: readonly EvaluationItem[],
  record: DrawingRecord,
  out: string,
): Promise<StoredImages & { readonly found: number }> {
  await Deno.mkdir(`${out}/images`, { recursive: true });
  await checkRecord(out, record);
  const files = items.map(({ index }) => imageFile(out, index));
  const there = new Set([...Deno.readDirSync(`${out}/images`)].map(({ name }) => name));
  const missing = items.filter((_, i) => !there.has(files[i].slice(files[i].lastIndexOf("/") + 1)));
  const progress = new Progress("images", []);
  try {
    const found = items.length - missing.length;
    for (let at = 0; at < missing.length; at += source.batchSize) {
      const began = performance.now();
      const batch = missing.slice(at, at + source.batchSize);
      const { data, shape } = await source.draw(batch, record.seed);
      const [, , height, width] = shape;
      const images = fromPlanar(data, width, height);
      await Promise.all(
        batch.map(async (item, i) => writeAtomic(files[item.index], await encodePng(images[i]))),
      );
      const seconds = (performance.now() - began) / 1000 / batch.length;
      progress.update(found + at + batch.length, items.length, {}, seconds, at === 0);
    }
    return { items, files, found };
  } finally {
    progress.close();
  }
}

/**
 * What an earlier evaluation drew.
 *
 * @param directory Its directory.
 * @param items What they show.
 * @returns Its record and its files.
 * @throws {ConfigError} If there is no evaluation, or it is not complete.
 */
export async function drawnImages(
  directory: string,
  items: readonly EvaluationItem[],
): Promise<StoredImages & { readonly record: DrawingRecord }> {
  let record: DrawingRecord;
  try {
    record = JSON.parse(await Deno.readTextFile(`${directory}/drawing.json`)) as DrawingRecord;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new ConfigError(
      `--compare is ${directory}, which holds no drawing.json, expected the --out of an evaluation`,
    );
  }
  const files = items.map(({ index }) => imageFile(directory, index));
  for (const file of files) {
    await Deno.stat(file).catch(() => {
      throw new ConfigError(`--compare ${directory} is not complete: there is no ${file}`);
    });
  }
  return { items, files, record };
}

/**
 * Image files of another program: all of a directory in the order of their names, one for each item.
 *
 * @param directory The directory.
 * @param items What they show.
 * @returns The files.
 * @throws {ConfigError} If there are more or fewer files than items.
 */
export async function foundImages(directory: string, items: readonly EvaluationItem[]): Promise<StoredImages> {
  const files = await imageFilesOf("--images", directory);
  if (files.length !== items.length) {
    throw new ConfigError(
      `--images ${directory} holds ${files.length} images, expected ${items.length}: one for each prompt and copy, ` +
        `in the order of their names`,
    );
  }
  return { items, files };
}

/**
 * All image files of a directory, in the order of their names.
 *
 * @param option What names the directory, for the error.
 * @param directory The directory.
 * @returns The files.
 * @throws {ConfigError} If there is no such directory.
 */
export async function imageFilesOf(option: string, directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(directory)) {
      if (isFile && /\.(png|jpe?g|webp)$/i.test(name)) names.push(name);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new ConfigError(`${option} is ${directory}: no such directory`);
    throw error;
  }
  // The default order compares code units, so it is the same in every locale
  return names.sort().map((name) => `${directory}/${name}`);
}

/**
 * The facts of image files.
 *
 * @param directory Where they lie.
 * @param images The files.
 * @returns What a report says of them.
 */
export async function imageFacts(directory: string, { files }: StoredImages): Promise<SubjectFacts> {
  return {
    kind: "images",
    path: shownPath(directory),
    sha256: await sha256OfFiles(files),
    variant: `${files.length} image files`,
    dtype: "8-bit RGB",
    sampling: "drawn elsewhere",
  };
}

function imageFile(out: string, index: number): string {
  return `${out}/images/${`${index}`.padStart(6, "0")}.png`;
}

async function checkRecord(out: string, record: DrawingRecord): Promise<void> {
  const path = `${out}/drawing.json`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await writeAtomic(path, JSON.stringify(record, null, 2) + "\n");
    return;
  }
  const difference = firstDifference(JSON.parse(text), record);
  if (difference !== undefined) {
    throw new ConfigError(`--out ${out} holds other images: ${difference}; expected a new directory`);
  }
}
