/**
 * Decodes the emoji drawings of two design teams out of their npm packages, and keeps the result in a cache file.
 *
 * The packages hold one sheet a vendor with every drawing at 64x64 pixels (in cells of 66, one transparent pixel
 * around), which is two files to decode where single images would be nearly four thousand. Drawings are laid over
 * white and reduced by averaging squares of pixels: the exact antialiasing filter for a whole factor, and nothing
 * rings or bleeds in from a neighbouring cell.
 */
import sharp from "sharp";
import { readCache, writeCache } from "./drawing_cache.ts";

/** A design team: "google" drew Noto Emoji, "twitter" drew Twemoji. */
export type Vendor = "google" | "twitter";

/** Every vendor, in the order of the cache file. */
export const VENDORS: readonly Vendor[] = ["google", "twitter"];

/** What the data source says about one emoji. */
export interface EmojiRecord {
  /** Its name, lower-case: the prompt. Unique. */
  name: string;
  /** Unicode's category, for instance "Food & Drink". */
  category: string;
  /** Unicode's subcategory, for instance "food-fruit". */
  subcategory: string;
  /** Code points in hexadecimal, joined by "-". */
  unified: string;
}

/** All drawings at one size. */
export interface Drawings {
  /** Side of a drawing in pixels. */
  size: number;
  /** One record a name, in Unicode's order. */
  records: readonly EmojiRecord[];
  /** For each vendor `[names, 3, size, size]` bytes, sRGB on white. */
  pixels: Readonly<Record<Vendor, Uint8Array>>;
}

interface SourceEntry {
  name: string;
  unified: string;
  short_name: string;
  category: string;
  subcategory: string;
  sheet_x: number;
  sheet_y: number;
  sort_order: number;
  has_img_google: boolean;
  has_img_twitter: boolean;
}

const CELL = 66, SIDE = 64;

/** Raise it whenever this file would decode the same packages to other bytes. */
const FORMAT = 1;

/** The package file behind an import-map name; the subpath is joined by hand since PNG files cannot be imported. */
function packageFile(vendor: Vendor, path: string): URL {
  const manifest = vendor === "google"
    ? import.meta.resolve("emoji-datasource-google/package.json")
    : import.meta.resolve("emoji-datasource-twitter/package.json");
  return new URL(path, manifest);
}

async function readSource(vendor: Vendor, path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(packageFile(vendor, path));
  } catch (cause) {
    throw new TypeError(
      `Cannot read ${path} of npm package emoji-datasource-${vendor}, expected it to be installed ("deno install")`,
      { cause },
    );
  }
}

async function readEntries(): Promise<SourceEntry[]> {
  const entries: SourceEntry[] = JSON.parse(
    new TextDecoder().decode(await readSource("google", "emoji.json")),
  );
  return entries.filter((e) => e.has_img_google && e.has_img_twitter).sort((
    a,
    b,
  ) => a.sort_order - b.sort_order);
}

/** The source calls two drawings "MAN IN TUXEDO"; the short name tells them apart. */
function uniqueName(entry: SourceEntry): string {
  return (entry.short_name === "person_in_tuxedo" ? "PERSON IN TUXEDO" : entry.name).toLowerCase();
}

/**
 * Cuts one cell out of an RGBA sheet, lays it over white and averages squares of pixels.
 *
 * @param sheet RGBA bytes, row-major, not premultiplied.
 * @param sheetWidth Columns of the sheet.
 * @param left Column of the drawing's first pixel.
 * @param top Row of the drawing's first pixel.
 * @param size Side of the result; divides 64.
 * @param out Receives `[3, size, size]` bytes.
 */
export function reduceCell(
  sheet: Uint8Array,
  sheetWidth: number,
  left: number,
  top: number,
  size: number,
  out: Uint8Array,
): void {
  const factor = SIDE / size, area = factor * factor;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let r = 0, g = 0, b = 0;
      for (let dy = 0; dy < factor; dy++) {
        let at = ((top + y * factor + dy) * sheetWidth + left + x * factor) * 4;
        for (let dx = 0; dx < factor; dx++, at += 4) {
          const alpha = sheet[at + 3] / 255, white = 255 * (1 - alpha);
          r += sheet[at] * alpha + white;
          g += sheet[at + 1] * alpha + white;
          b += sheet[at + 2] * alpha + white;
        }
      }
      const pixel = y * size + x, plane = size * size;
      out[pixel] = Math.round(r / area);
      out[plane + pixel] = Math.round(g / area);
      out[2 * plane + pixel] = Math.round(b / area);
    }
  }
}

async function decodeSheet(
  vendor: Vendor,
  entries: readonly SourceEntry[],
  size: number,
): Promise<Uint8Array> {
  const png = await readSource(vendor, `img/${vendor}/sheets-clean/64.png`);
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({
    resolveWithObject: true,
  });
  const length = 3 * size * size;
  const pixels = new Uint8Array(entries.length * length);
  entries.forEach((entry, i) => {
    const left = entry.sheet_x * CELL + 1, top = entry.sheet_y * CELL + 1;
    reduceCell(
      data,
      info.width,
      left,
      top,
      size,
      pixels.subarray(i * length, (i + 1) * length),
    );
  });
  return pixels;
}

/** Decodes every drawing from the packages, about a second of work. */
export async function decodeDrawings(size: number): Promise<Drawings> {
  const entries = await readEntries();
  const [google, twitter] = await Promise.all(
    VENDORS.map((v) => decodeSheet(v, entries, size)),
  );
  const records = entries.map((e) => ({
    name: uniqueName(e),
    category: e.category,
    subcategory: e.subcategory,
    unified: e.unified,
  }));
  return { size, records, pixels: { google, twitter } };
}

/** What the cache must have been made from to be used: both packages' versions, the format and the size. */
async function sourceStamp(size: number): Promise<string> {
  const versions = await Promise.all(VENDORS.map(async (vendor) => {
    const manifest: { version: string } = JSON.parse(
      new TextDecoder().decode(await readSource(vendor, "package.json")),
    );
    return `${vendor}@${manifest.version}`;
  }));
  return `emoji drawings v${FORMAT} ${versions.join(" ")} ${size}px`;
}

/**
 * Loads every drawing, from the cache file where it is good, else from the packages.
 *
 * @param size Side in pixels: 16, 32 or 64.
 * @param cacheFolder Where the cache file is; undefined for none. A folder that cannot be written is no error.
 * @throws {RangeError} If the size does not divide 64 evenly into at least 8 pixels.
 * @throws {TypeError} If the packages are not installed.
 */
export async function loadDrawings(
  size: number,
  cacheFolder?: string,
): Promise<Drawings> {
  if (![8, 16, 32, 64].includes(size)) {
    throw new RangeError(`Emoji size is ${size}, expected 8, 16, 32 or 64`);
  }
  const stamp = await sourceStamp(size);
  const path = cacheFolder === undefined ? undefined : `${cacheFolder}/drawings-${size}.bin`;
  const cached = path === undefined ? undefined : await readCache(path, stamp, size);
  if (cached !== undefined) return cached;
  const drawings = await decodeDrawings(size);
  if (path !== undefined) {
    await writeCache(path, stamp, drawings).catch(() => {});
  }
  return drawings;
}
