/** Conditions for training from a file of embeddings, read ahead in a worker. */
import type { Cond } from "@dipp/scores";
import { type Tensor, tensor, upload } from "@dipp/tensor";
import type { EmbeddingFacts, EmbeddingRows } from "./embedding_file.ts";
import type { ReadAnswer, ReadRequest } from "./embedding_worker.ts";
import { shuffled } from "./shuffle.ts";

/** Prompts as a step takes them. */
export interface EmbeddedPrompts {
  /** Their condition: `embeds` in the type of the file, `mask` i32, `textEmbeds`. */
  readonly cond: Cond;
  /** The prompts. */
  readonly prompts: readonly string[];
}

/** Batches that are read before they are asked for. */
const AHEAD = 2;

/**
 * Reads a file of embeddings in a worker, so that reading goes on while the main thread waits for the device. The prompts
 * of a step are a function of seed and step: every epoch is another permutation, and a resumed run draws what it would
 * have drawn.
 */
export class EmbeddingReader implements Disposable {
  /** What the file holds. */
  readonly facts: EmbeddingFacts;
  readonly #connection: Connection;
  readonly #batchSize: number;
  readonly #seed: number;
  readonly #ahead: Map<number, Promise<EmbeddingRows>> = new Map();

  private constructor(connection: Connection, facts: EmbeddingFacts, batchSize: number, seed: number) {
    this.#connection = connection;
    this.facts = facts;
    this.#batchSize = batchSize;
    this.#seed = seed;
  }

  /**
   * Opens a file.
   *
   * @param path What `deno task embed` wrote.
   * @param options Prompts of a batch, and the seed of their order.
   * @returns The reader; to be disposed of, which ends its worker.
   * @throws {TypeError} If it is no file of embeddings.
   * @throws {RangeError} If it is broken.
   */
  static async open(
    path: string,
    { batchSize, seed }: { batchSize: number; seed: number },
  ): Promise<EmbeddingReader> {
    const connection = new Connection(path);
    try {
      return new EmbeddingReader(connection, (await connection.ask([-1])).facts, batchSize, seed);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * The prompts of a step, on the device.
   *
   * @param step Which.
   * @returns `batchSize` prompts.
   */
  async batch(step: number): Promise<EmbeddedPrompts> {
    for (let next = step; next <= step + AHEAD; next++) this.#request(next);
    const rows = await this.#ahead.get(step)!;
    for (const known of this.#ahead.keys()) if (known <= step) this.#ahead.delete(known);
    return await this.#onDevice(rows, this.#batchSize);
  }

  /** Some prompts by their numbers, on the device. */
  async rows(numbers: readonly number[]): Promise<EmbeddedPrompts> {
    return await this.#onDevice((await this.#connection.ask(numbers)).rows, numbers.length);
  }

  /** What stands for no prompt, on the device: one row. */
  async null(): Promise<Cond> {
    return (await this.#onDevice((await this.#connection.ask([-1])).rows, 1)).cond;
  }

  /** Which prompts a step takes. */
  numbers(step: number): number[] {
    const { count } = this.facts;
    return Array.from({ length: this.#batchSize }, (_, i) => {
      const position = step * this.#batchSize + i;
      return shuffled(count, this.#seed, Math.floor(position / count))(position % count);
    });
  }

  /** Ends the worker. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }

  #request(step: number): void {
    if (this.#ahead.has(step)) return;
    const rows = this.#connection.ask(this.numbers(step)).then(({ rows }) => rows);
    // Told when the step is asked for
    rows.catch(() => {});
    this.#ahead.set(step, rows);
  }

  async #onDevice({ embeds, mask, textEmbeds, prompts }: EmbeddingRows, count: number): Promise<EmbeddedPrompts> {
    const { length, width, pooled, dtype } = this.facts;
    const floats = async (data: EmbeddingRows["embeds"], shape: number[]): Promise<Tensor> =>
      await upload(shape, ({ F32: "f32", F16: "f16", BF16: "bf16" } as const)[dtype], [data]);
    return {
      cond: {
        embeds: await floats(embeds, [count, length, width]),
        ...(mask && { mask: tensor(mask, [count, length]) }),
        ...(textEmbeds && { textEmbeds: await floats(textEmbeds, [count, pooled!]) }),
      },
      prompts,
    };
  }
}

/** A worker that reads one file. */
class Connection {
  readonly #worker: Worker;
  readonly #waiting: Map<number, { resolve: (answer: Answered) => void; reject: (error: Error) => void }> = new Map();
  #path: string | undefined;
  #next = 0;

  constructor(path: string) {
    this.#path = path;
    this.#worker = new Worker(new URL("./embedding_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<ReadAnswer>) => {
      const { resolve, reject } = this.#waiting.get(data.id)!;
      this.#waiting.delete(data.id);
      if ("error" in data) reject(errorOf(data.error));
      else resolve(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.#waiting.values()) reject(new Error(`Reading ${path} failed: ${event.message}`));
      this.#waiting.clear();
    };
  }

  ask(rows: readonly number[]): Promise<Answered> {
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    this.#waiting.set(id, { resolve, reject });
    const request: ReadRequest = { id, rows, ...(this.#path !== undefined && { path: this.#path }) };
    this.#path = undefined;
    this.#worker.postMessage(request);
    return promise;
  }

  close(): void {
    this.#worker.terminate();
  }
}

type Answered = Exclude<ReadAnswer, { error: unknown }>;

function errorOf({ name, message }: { name: string; message: string }): Error {
  const known: Readonly<Record<string, ErrorConstructor>> = { TypeError, RangeError };
  return new (known[name] ?? Error)(message);
}
