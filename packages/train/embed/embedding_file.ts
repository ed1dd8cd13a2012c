/** Files of embeddings, read row by row. */
import { openSafetensors, type StoredTensor, type TensorFile } from "@dipp/nn";
import type { EmbeddingType, Part } from "./embedding_layout.ts";

/** What all rows of a file have in common. */
export interface EmbeddingFacts {
  /** Prompts. */
  readonly count: number;
  /** Tokens of a prompt. */
  readonly length: number;
  /** Numbers of a token. */
  readonly width: number;
  /** Whether there is a mask. */
  readonly hasMask: boolean;
  /** Numbers of the pooled prompt; undefined where there is none. */
  readonly pooled: number | undefined;
  /** How the numbers are stored. */
  readonly dtype: EmbeddingType;
  /** What they were computed from. */
  readonly fingerprint: string;
}

/** Rows of a file as they are stored: the bits of f16 and bf16. */
export interface EmbeddingRows {
  /** `[B, L, D]`. */
  readonly embeds: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** `[B, L]`, 1 where a token is. */
  readonly mask?: Int32Array<ArrayBuffer>;
  /** `[B, D']`. */
  readonly textEmbeds?: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** The prompts. */
  readonly prompts: readonly string[];
}

/**
 * A file that `deno task embed` wrote. Only its header is in memory; a row is read by its offset.
 */
export class EmbeddingFile implements Disposable {
  /** What all rows have in common. */
  readonly facts: EmbeddingFacts;
  readonly #file: TensorFile;

  private constructor(file: TensorFile, facts: EmbeddingFacts) {
    this.#file = file;
    this.facts = facts;
  }

  /**
   * Opens a file.
   *
   * @param path The file.
   * @returns The file; to be disposed of.
   * @throws {TypeError} If it is no file of embeddings.
   * @throws {RangeError} If it is truncated or its header wrong.
   */
  static async open(path: string): Promise<EmbeddingFile> {
    const file = await openSafetensors(path);
    try {
      return new EmbeddingFile(file, factsOf(file));
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Reads rows.
   *
   * @param rows Which.
   * @returns Their embeddings, in this order.
   * @throws {RangeError} If there is no such row.
   */
  async read(rows: readonly number[]): Promise<EmbeddingRows> {
    const bad = rows.find((row) => !(Number.isInteger(row) && 0 <= row && row < this.facts.count));
    if (bad !== undefined) {
      throw new RangeError(`Cannot read prompt ${bad} of ${this.#file.name}: it has ${this.facts.count}`);
    }
    return { ...await this.#parts("", rows), prompts: await Promise.all(rows.map((row) => this.#prompt(row))) };
  }

  /** Reads what stands for no prompt, one row. */
  async readNull(): Promise<EmbeddingRows> {
    return { ...await this.#parts("null.", [0]), prompts: [""] };
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  async #parts(prefix: "" | "null.", rows: readonly number[]): Promise<Omit<EmbeddingRows, "prompts">> {
    const { hasMask, pooled } = this.facts;
    const take = async (part: Part) => await this.#take(this.#file.tensors.get(prefix + part)!, rows);
    return {
      embeds: await take("embeds") as EmbeddingRows["embeds"],
      ...(hasMask && { mask: Int32Array.from(await take("mask")) }),
      ...(pooled !== undefined && { textEmbeds: await take("text_embeds") as EmbeddingRows["embeds"] }),
    };
  }

  async #take(
    tensor: StoredTensor,
    rows: readonly number[],
  ): Promise<Uint8Array<ArrayBuffer> | EmbeddingRows["embeds"]> {
    const width = tensor.shape.slice(1).reduce((n, d) => n * d, 1);
    const parts = await Promise.all(rows.map((row) => tensor.read(row * width, (row + 1) * width)));
    const kind = tensor.dtype === "U8" ? Uint8Array : tensor.dtype === "F32" ? Float32Array : Uint16Array;
    const out = new kind(rows.length * width);
    parts.forEach(({ data }, i) => out.set(data as Uint8Array, i * width));
    return out;
  }

  async #prompt(row: number): Promise<string> {
    const { tensors } = this.#file;
    const [begin, end] = (await tensors.get("prompt_offsets")!.read(row, row + 2)).data;
    return new TextDecoder().decode((await tensors.get("prompts")!.read(Number(begin), Number(end))).bytes);
  }
}

function factsOf({ name, tensors, metadata }: TensorFile): EmbeddingFacts {
  const refuse = (why: string) => new TypeError(`${name} is no file of embeddings: ${why}`);
  if (metadata.format !== "dipp.embeddings") throw refuse(`its format is ${metadata.format}, expected dipp.embeddings`);
  const embeds = tensors.get("embeds");
  const [count, length, width] = embeds?.shape ?? [];
  const pooled = tensors.get("text_embeds")?.shape[1];
  const hasMask = tensors.has("mask");
  const dtype = embeds?.dtype;
  const rows: readonly (readonly [key: string, dtypes: readonly string[], row: readonly number[]])[] = [
    ["embeds", ["F32", "F16", "BF16"], [length, width]],
    ...hasMask ? [["mask", ["U8"], [length]] as const] : [],
    ...pooled !== undefined ? [["text_embeds", [`${dtype}`], [pooled]] as const] : [],
  ];
  const expected: readonly (readonly [key: string, dtypes: readonly string[], shape: readonly number[]])[] = [
    ...rows.map(([key, dtypes, row]) => [key, dtypes, [count, ...row]] as const),
    ...rows.map(([key, dtypes, row]) => [`null.${key}`, dtypes, [1, ...row]] as const),
    ["prompt_offsets", ["I64"], [count + 1]],
    ["prompts", ["U8"], [tensors.get("prompts")?.shape[0] ?? 0]],
  ];
  for (const [key, dtypes, shape] of expected) {
    const found = tensors.get(key);
    if (found && dtypes.includes(found.dtype) && found.shape.join() === shape.join()) continue;
    throw refuse(
      `"${key}" is ${found ? `${found.dtype} [${found.shape}]` : "missing"}, expected ${
        dtypes.join(" or ")
      } [${shape}]`,
    );
  }
  return {
    count,
    length,
    width,
    hasMask,
    pooled,
    dtype: dtype as EmbeddingType,
    fingerprint: metadata.fingerprint ?? "",
  };
}
