/** Pictures of what a model draws, always of the same prompts from the same noise. */
import { randn, type Tensor, tensor } from "@dipp/tensor";
import type { ImageTextData } from "../data.ts";
import { imageGrid } from "../image_grid.ts";
import { writePng } from "../images.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { stepKey, STREAM } from "./step_key.ts";

/** Draws images in [0, 1] from noise `[B, 3, S, S]` and ids `[B, L]`. */
export type Draw = (noise: Tensor, ids: Tensor) => Tensor;

/** A fixed set of prompts with noise, and what is drawn of it. */
export class SamplePictures {
  /** The prompts. */
  readonly prompts: readonly string[];
  readonly #noise: Float32Array;
  readonly #ids: Int32Array;
  readonly #size: number;
  readonly #length: number;

  private constructor(prompts: readonly string[], noise: Float32Array, ids: Int32Array, size: number) {
    this.prompts = prompts;
    this.#noise = noise;
    this.#ids = ids;
    this.#size = size;
    this.#length = ids.length / prompts.length;
  }

  /**
   * Chooses prompts, held-out ones first as far as half of them, spread evenly over the data.
   *
   * @param data The data set.
   * @param vocabulary The model's words.
   * @param count How many.
   * @param seed Seed of the noise.
   */
  static async make(
    data: ImageTextData,
    vocabulary: Vocabulary,
    count: number,
    seed: number,
  ): Promise<SamplePictures> {
    const held = spread(data.heldOut, Math.floor(count / 2));
    const chosen = [...held, ...spread(data.train, count - held.length)];
    const prompts = chosen.map((i) => data.prompts[i]);
    return await SamplePictures.of(prompts, data.size, vocabulary, seed);
  }

  /**
   * Takes prompts as they are.
   *
   * @param prompts The prompts.
   * @param size Side of an image.
   * @param vocabulary The model's words.
   * @param seed Seed of the noise.
   */
  static async of(
    prompts: readonly string[],
    size: number,
    vocabulary: Vocabulary,
    seed: number,
  ): Promise<SamplePictures> {
    const noise = await randn(stepKey(seed, STREAM.samples, 0), [prompts.length, 3, size, size]).data();
    return new SamplePictures(prompts, noise as Float32Array, vocabulary.encodeAll(prompts), size);
  }

  /**
   * Draws all prompts, some at a time.
   *
   * @param draw The model.
   * @param batchSize How many at a time; a last part is filled up with repeats.
   * @returns Images `[N, 3, S, S]` in [0, 1].
   */
  async images(draw: Draw, batchSize: number): Promise<{ data: Float32Array; shape: number[] }> {
    const [n, size] = [this.prompts.length, this.#size];
    const pixels = 3 * size * size;
    const data = new Float32Array(n * pixels);
    for (let at = 0; at < n; at += batchSize) {
      const rows = Array.from({ length: batchSize }, (_, i) => (at + i) % n);
      const noise = take(this.#noise, rows, pixels), ids = take(this.#ids, rows, this.#length);
      const part = await draw(
        tensor(noise, [batchSize, 3, size, size]),
        tensor(ids, [batchSize, this.#length]),
      ).data();
      data.set(part.subarray(0, Math.min(batchSize, n - at) * pixels), at * pixels);
    }
    return { data, shape: [n, 3, size, size] };
  }

  /**
   * Draws all prompts into a PNG file.
   *
   * @param path The file; its directory is made.
   * @param draw The model.
   * @param batchSize How many at a time.
   */
  async write(path: string, draw: Draw, batchSize: number): Promise<void> {
    const batch = await this.images(draw, batchSize);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")) || ".", { recursive: true });
    await writePng(path, imageGrid(batch, { scale: 2, columns: 8, labels: this.prompts }));
  }

  /**
   * Draws some of the prompts with several models, one row each, into a PNG file.
   *
   * @param path The file.
   * @param models Each row's label and model.
   * @param batchSize How many at a time.
   * @param columns How many prompts.
   */
  async compare(path: string, models: Readonly<Record<string, Draw>>, batchSize: number, columns = 10): Promise<void> {
    const shown = spread(this.prompts.map((_, i) => i), columns);
    const pixels = 3 * this.#size * this.#size;
    const rows: Float32Array[] = [];
    for (const draw of Object.values(models)) rows.push(take((await this.images(draw, batchSize)).data, shown, pixels));
    const data = new Float32Array(rows.length * shown.length * pixels);
    rows.forEach((row, i) => data.set(row, i * row.length));
    const batch = { data, shape: [rows.length * shown.length, 3, this.#size, this.#size] };
    const labels = { rowLabels: Object.keys(models), columnLabels: shown.map((i) => this.prompts[i]) };
    await writePng(path, imageGrid(batch, { scale: 2, columns: shown.length, ...labels }));
  }
}

/** `count` of the items, evenly spaced, or all of them. */
export function spread<T>(items: readonly T[], count: number): T[] {
  const n = Math.min(count, items.length);
  return Array.from({ length: n }, (_, i) => items[Math.floor(i * items.length / n)]);
}

function take<A extends Float32Array | Int32Array>(from: A, rows: readonly number[], width: number): A {
  const out = from.slice(0, 0).constructor as new (length: number) => A;
  const result = new out(rows.length * width);
  rows.forEach((row, i) => result.set(from.subarray(row * width, (row + 1) * width), i * width));
  return result;
}
