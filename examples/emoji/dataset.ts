/**
 * The emoji data set: every name drawn by two design teams, split into names for training and names held out.
 */
import { type Drawings, type EmojiRecord, loadDrawings, type Vendor, VENDORS } from "./drawings.ts";
import { chooseHeldOut } from "./held_out.ts";
import { inPreset, type PresetName, PRESETS } from "./presets.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Where the decoded drawings are kept unless told: `.cache/emoji` in the repository. */
export const CACHE_FOLDER: string = decodeURIComponent(
  new URL("../../.cache/emoji", import.meta.url).pathname,
);

/** Options of {@link loadEmoji}. Filters add up: a name must pass all that are given. */
export interface EmojiOptions {
  /** A choice of names; "full" unless told. */
  preset?: PresetName;
  /** Unicode categories to keep, for instance "Food & Drink". */
  categories?: readonly string[];
  /** Unicode subcategories to keep, for instance "food-fruit". */
  subcategories?: readonly string[];
  /** Names to keep. */
  names?: readonly string[];
  /** Vendors that batches draw from; both unless told. */
  vendors?: readonly Vendor[];
  /** Side of an image in pixels: 8, 16, 32 or 64; 32 unless told. */
  size?: number;
  /** Part of the names that is held out of training; 0.1 unless told. */
  heldOut?: number;
  /** Folder of the cache file; {@link CACHE_FOLDER} unless told, null for none. */
  cacheFolder?: string | null;
}

/** Names, their drawings, and the split. Images are [3, size, size] floats in [0, 1], RGB on white. */
export class EmojiDataset {
  /** Side of an image in pixels. */
  readonly size: number;
  /** The names, in Unicode's order. */
  readonly emoji: readonly EmojiRecord[];
  /** Vendors that batches draw from. */
  readonly vendors: readonly Vendor[];
  /** Indices into `emoji` of the names to train on. */
  readonly train: readonly number[];
  /** Indices into `emoji` of the names held out. */
  readonly heldOut: readonly number[];
  /** Words of all names of this set. */
  readonly vocabulary: Vocabulary;
  readonly #pixels: Readonly<Record<Vendor, Uint8Array>>;

  /**
   * @param drawings The drawings of the names wanted.
   * @param vendors Vendors that batches draw from.
   * @param heldOut Part of the names to hold out.
   */
  constructor(drawings: Drawings, vendors: readonly Vendor[], heldOut: number) {
    this.size = drawings.size;
    this.emoji = drawings.records;
    this.vendors = vendors;
    this.#pixels = drawings.pixels;
    const names = this.names;
    this.heldOut = chooseHeldOut(names, heldOut);
    const held = new Set(this.heldOut);
    this.train = names.map((_, i) => i).filter((i) => !held.has(i));
    this.vocabulary = Vocabulary.fromNames(names);
  }

  /** The names, which are the prompts. */
  get names(): string[] {
    return this.emoji.map((e) => e.name);
  }

  /** Values in one image. */
  get imageLength(): number {
    return 3 * this.size * this.size;
  }

  /**
   * Index of a name.
   *
   * @throws {RangeError} If the set has no such name.
   */
  indexOf(name: string): number {
    const index = this.emoji.findIndex((e) => e.name === name);
    if (index < 0) {
      throw new RangeError(
        `Emoji name is "${name}", expected one of the ${this.emoji.length} loaded`,
      );
    }
    return index;
  }

  /**
   * Copies one drawing into `out` as floats in [0, 1].
   *
   * @param out Receives `[3, size, size]` values from `offset` on.
   * @param offset Where to begin.
   * @param index Which name.
   * @param vendor Whose drawing.
   * @param mirrored Whether to mirror it left to right.
   */
  copyImage(
    out: Float32Array,
    offset: number,
    index: number,
    vendor: Vendor,
    mirrored = false,
  ): void {
    const length = this.imageLength,
      pixels = this.#pixels[vendor],
      from = index * length,
      size = this.size;
    if (!mirrored) {
      for (let i = 0; i < length; i++) out[offset + i] = pixels[from + i] / 255;
      return;
    }
    for (let row = 0; row < length; row += size) {
      for (let x = 0; x < size; x++) {
        out[offset + row + x] = pixels[from + row + size - 1 - x] / 255;
      }
    }
  }

  /**
   * Drawings of one vendor as a batch: `[indices.length, 3, size, size]` in [0, 1].
   *
   * @param indices Which names; all of them unless told.
   * @param vendor Whose drawings.
   */
  images(
    vendor: Vendor,
    indices?: readonly number[],
  ): { data: Float32Array; shape: number[] } {
    const which = indices ?? this.emoji.map((_, i) => i);
    const data = new Float32Array(which.length * this.imageLength);
    which.forEach((index, i) => this.copyImage(data, i * this.imageLength, index, vendor));
    return { data, shape: [which.length, 3, this.size, this.size] };
  }
}

function checkKnown(
  kind: string,
  wanted: readonly string[] | undefined,
  known: Iterable<string>,
): void {
  const all = new Set(known);
  for (const value of wanted ?? []) {
    if (!all.has(value)) {
      const choices = all.size <= 120 ? [...all].sort().join(", ") : `one of ${all.size}`;
      throw new RangeError(`Emoji ${kind} is "${value}", expected ${choices}`);
    }
  }
}

/**
 * Loads the emoji: half a second from the packages, some ten milliseconds from the cache afterwards.
 *
 * @param options Which names, which vendors, what size.
 * @throws {RangeError} If a category, a name or a size is not known, or nothing is left.
 * @throws {TypeError} If the data packages are not installed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadEmoji } from "./dataset.ts";
 *
 * const data = await loadEmoji({ preset: "core" });
 * const { shape } = data.images("twitter", [data.indexOf("red apple")]);
 * assertEquals(shape, [1, 3, 32, 32]);
 * ```
 */
export async function loadEmoji(
  options: EmojiOptions = {},
): Promise<EmojiDataset> {
  const vendors = options.vendors ?? VENDORS;
  const heldOut = options.heldOut ?? 0.1;
  if (!(heldOut >= 0 && heldOut < 1)) {
    throw new RangeError(
      `Emoji heldOut is ${heldOut}, expected 0 <= heldOut < 1`,
    );
  }
  if (vendors.length === 0) {
    throw new RangeError("Emoji vendors are none, expected at least one");
  }
  checkKnown("vendor", vendors, VENDORS);
  checkKnown(
    "preset",
    options.preset && [options.preset],
    Object.keys(PRESETS),
  );
  const cacheFolder = options.cacheFolder === null ? undefined : options.cacheFolder ?? CACHE_FOLDER;
  const all = await loadDrawings(options.size ?? 32, cacheFolder);
  checkKnown(
    "category",
    options.categories,
    all.records.map((r) => r.category),
  );
  checkKnown(
    "subcategory",
    options.subcategories,
    all.records.map((r) => r.subcategory),
  );
  checkKnown("name", options.names, all.records.map((r) => r.name));

  const preset = PRESETS[options.preset ?? "full"];
  const kept = all.records.map((_, i) => i).filter((i) => {
    const record = all.records[i];
    return inPreset(preset, record) &&
      (options.categories?.includes(record.category) ?? true) &&
      (options.subcategories?.includes(record.subcategory) ?? true) &&
      (options.names?.includes(record.name) ?? true);
  });
  if (kept.length === 0) {
    throw new RangeError("Emoji filters leave no name, expected at least one");
  }
  const length = 3 * all.size * all.size;
  const select = (pixels: Uint8Array) => {
    const part = new Uint8Array(kept.length * length);
    kept.forEach((from, to) => part.set(pixels.subarray(from * length, (from + 1) * length), to * length));
    return part;
  };
  const pixels = {
    google: select(all.pixels.google),
    twitter: select(all.pixels.twitter),
  };
  return new EmojiDataset(
    {
      size: all.size,
      records: kept.map((i) => all.records[i]),
      pixels,
    },
    vendors,
    heldOut,
  );
}
