/** Pairs of images to choose from, drawn as they are needed. */
import { writeAtomic } from "@dipp/nn";
import { evaluationItems } from "../evaluate/evaluation_items.ts";
import type { ImageSource } from "../evaluate/image_source.ts";
import { promptSet } from "../evaluate/prompt_set.ts";
import { encodePng, fromPlanar } from "../images.ts";

/** Where pairs come from. */
export interface GalleryOptions {
  /** What draws. */
  readonly source: ImageSource;
  /** The prompts, each once. */
  readonly prompts: readonly string[];
  /** Pairs of each prompt. */
  readonly pairsPerPrompt: number;
  /** Seed of the noise. */
  readonly seed: number;
  /** Where the image files go; it exists. */
  readonly folder: string;
}

/**
 * Pairs of images, all prompts once, then all of them again: pair by pair a pure function of prompts and seed, whatever
 * was drawn before. Files that are there are not drawn again; a file is whole or is not there.
 */
export class PairGallery {
  /** Number of pairs. */
  readonly length: number;
  readonly #options: GalleryOptions;
  readonly #items: ReturnType<typeof evaluationItems>;
  #drawing: Promise<unknown> = Promise.resolve();

  /** @param options Where pairs come from. */
  constructor(options: GalleryOptions) {
    const { prompts, pairsPerPrompt } = options;
    this.#options = options;
    this.length = prompts.length * pairsPerPrompt;
    this.#items = evaluationItems(promptSet("prompts", prompts), 2 * pairsPerPrompt);
  }

  /** The prompt of a pair. */
  prompt(pair: number): string {
    const { prompts } = this.#options;
    return prompts[pair % prompts.length];
  }

  /** The file names of a pair, in the gallery's folder. */
  files(pair: number): readonly [left: string, right: string] {
    const number = `${pair}`.padStart(6, "0");
    return [`${number}-left.png`, `${number}-right.png`];
  }

  /**
   * Draws a pair, and with it those after it that fit into one batch, unless its files are there.
   *
   * @param pair Its number.
   */
  async draw(pair: number): Promise<void> {
    if (await this.#isThere(pair)) return;
    // One batch at a time: the next request may find its pair drawn by then
    const drawing = this.#drawing.catch(() => {}).then(() => this.#drawBatch(pair));
    this.#drawing = drawing;
    await drawing;
  }

  async #drawBatch(pair: number): Promise<void> {
    if (await this.#isThere(pair)) return;
    const { source, seed, folder } = this.#options;
    const count = Math.min(Math.max(1, Math.floor(source.batchSize / 2)), this.length - pair);
    const sides = Array.from({ length: 2 * count }, (_, i) => ({ pair: pair + (i >> 1), side: i & 1 }));
    for (let at = 0; at < sides.length; at += source.batchSize) {
      const part = sides.slice(at, at + source.batchSize);
      const { data, shape } = await source.draw(part.map(({ pair, side }) => this.#item(pair, side)), seed);
      const images = fromPlanar(data, shape[3], shape[2]);
      await Promise.all(
        part.map(async ({ pair, side }, i) =>
          await writeAtomic(`${folder}/${this.files(pair)[side]}`, await encodePng(images[i]))
        ),
      );
    }
  }

  #item(pair: number, side: number) {
    const { prompts, pairsPerPrompt } = this.#options;
    const round = Math.floor(pair / prompts.length);
    return this.#items[(pair % prompts.length) * 2 * pairsPerPrompt + 2 * round + side];
  }

  async #isThere(pair: number): Promise<boolean> {
    const { folder } = this.#options;
    const found = await Promise.all(
      this.files(pair).map((name) => Deno.stat(`${folder}/${name}`).then((info) => info.isFile, () => false)),
    );
    return found.every(Boolean);
  }
}
