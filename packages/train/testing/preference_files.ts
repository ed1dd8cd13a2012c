/** Preferences in a file, for tests: bright squares are preferred to dark ones. */
import sharp from "sharp";

const COLOURS = ["red", "green", "blue"], THINGS = ["square", "field", "wall", "tile"];

/** What {@linkcode writePreferences} writes. */
export interface WrittenPreferences {
  /** The JSONL file. */
  readonly file: string;
  /** Its prompts. */
  readonly prompts: readonly string[];
}

/**
 * Writes twelve prompts with three pairs each: PNG, JPEG and WebP files that are no squares, one tie a prompt.
 *
 * @param folder Where: `choices.jsonl`, and the images in a folder beside it.
 * @param isFair Whether brightness decides, or nothing does.
 */
export async function writePreferences(folder: string, isFair = true): Promise<WrittenPreferences> {
  await Deno.mkdir(`${folder}/pictures`, { recursive: true });
  const prompts = COLOURS.flatMap((colour) => THINGS.map((thing) => `${colour} ${thing}`));
  const lines: unknown[] = [];
  for (const [p, prompt] of prompts.entries()) {
    for (const [k, format] of (["png", "jpeg", "webp"] as const).entries()) {
      const names = ["bright", "dark"].map((name) => `pictures/${p}-${k}-${name}.${format}`);
      for (const [i, name] of names.entries()) {
        const level = k === 2 ? 128 : i === 0 ? 200 - 4 * p : 60 + 4 * p;
        const background = { r: 0, g: 0, b: 0, [prompt[0]]: level };
        const picture = sharp({ create: { width: 14, height: 10, channels: 3, background } }).toFormat(format, {
          quality: 100,
        });
        await Deno.writeFile(`${folder}/${name}`, await picture.toBuffer());
      }
      const isTurned = !isFair && (p * 5 + k) % 2 === 0;
      const [chosen, rejected] = isTurned ? names.toReversed() : names;
      lines.push({ prompt, chosen, rejected, ...(k === 2 ? { tie: true } : {}) });
    }
    lines.push({ prompt, skipped: ["pictures/a.png", "pictures/b.png"] });
  }
  const file = `${folder}/choices.jsonl`;
  await Deno.writeTextFile(file, lines.map((line) => JSON.stringify(line) + "\n").join(""));
  return { file, prompts };
}
