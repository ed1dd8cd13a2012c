/** A file of embeddings that grows row by row, and goes on after an interruption where it was. */
import { f32ToBf16, f32ToF16, writeAtomic } from "@dipp/nn";
import { ConfigError } from "../config/config_error.ts";
import {
  type EmbeddingLayout,
  embeddingLayout,
  type EmbeddingShape,
  type EmbeddingType,
  type Part,
} from "./embedding_layout.ts";

/** Encoded prompts, row-major; the parts that there are. */
export type EncodedRows = Readonly<Partial<Record<Part, Float32Array>>>;

/** What the journal says. */
interface Journal {
  /** What is being computed. */
  readonly fingerprint: string;
  /** Rows that are in the file, and will be after a crash. */
  readonly done: number;
}

/** Seconds between two entries of the journal. */
const EVERY = 5;

/**
 * Writes `PATH.part`, with the journal `PATH.part.json`, and renames it to the path when every row is there. A row counts
 * as done when the file was synced after it.
 */
export class EmbeddingWriter implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #layout: EmbeddingLayout;
  readonly #shape: EmbeddingShape;
  readonly #fingerprint: string;
  #done: number;
  #textEnd: number;
  #written = performance.now();

  private constructor(
    path: string,
    file: Deno.FsFile,
    layout: EmbeddingLayout,
    shape: EmbeddingShape,
    { fingerprint, done }: Journal,
  ) {
    this.#path = path;
    this.#file = file;
    this.#layout = layout;
    this.#shape = shape;
    this.#fingerprint = fingerprint;
    this.#done = done;
    this.#textEnd = 0;
  }

  /**
   * Begins a file, or goes on with one.
   *
   * @param path Where it will be in the end.
   * @param shape What it will hold.
   * @param metadata Strings to be stored beside.
   * @param fingerprint What the rows are computed from: only a file of the same is gone on with.
   * @returns The writer.
   * @throws {ConfigError} If an unfinished file of something else is there.
   */
  static async open(
    path: string,
    shape: EmbeddingShape,
    metadata: Readonly<Record<string, string>>,
    fingerprint: string,
  ): Promise<EmbeddingWriter> {
    const layout = embeddingLayout(shape, metadata);
    const journal = await readJournal(`${path}.part.json`);
    if (journal !== undefined && journal.fingerprint !== fingerprint) {
      throw new ConfigError(
        `${path}.part is of other prompts, another model or other settings, expected the same: remove it to begin anew`,
      );
    }
    const file = await Deno.open(`${path}.part`, { read: true, write: true, create: true });
    try {
      const isWhole = journal !== undefined && (await file.stat()).size === layout.length;
      const writer = new EmbeddingWriter(path, file, layout, shape, { fingerprint, done: isWhole ? journal.done : 0 });
      if (isWhole) writer.#textEnd = writer.#offset(writer.#done);
      else await writer.#begin();
      return writer;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Rows that are there. */
  get done(): number {
    return this.#done;
  }

  /** Writes what stands for no prompt. */
  writeNull(rows: EncodedRows): void {
    for (const [name, values] of Object.entries(rows)) {
      this.#write(`null.${name as Part}`, 0, this.#bytes(name, values));
    }
  }

  /**
   * Appends rows.
   *
   * @param prompts The prompts.
   * @param rows Their embeddings; more rows than prompts are passed over.
   * @throws {RangeError} If a number is not finite, or too large for f16.
   */
  async append(prompts: readonly string[], rows: EncodedRows): Promise<void> {
    const count = prompts.length;
    for (const [name, values] of Object.entries(rows)) {
      const perRow = name === "embeds"
        ? this.#shape.length * this.#shape.width
        : name === "mask"
        ? this.#shape.length
        : this.#shape.pooled!;
      const bytes = this.#bytes(name, values.subarray(0, count * perRow), prompts, perRow);
      this.#write(name as Part, this.#done, bytes);
    }
    const texts = prompts.map((prompt) => new TextEncoder().encode(prompt));
    const begin = this.#textEnd;
    const ends = texts.map((text) => BigInt(this.#textEnd += text.length));
    this.#write("prompts", begin, concat(texts));
    this.#write("prompt_offsets", this.#done + 1, new Uint8Array(BigInt64Array.from(ends).buffer));
    this.#done += count;
    if (performance.now() - this.#written > EVERY * 1000) await this.sync();
  }

  /** Makes what is there last, and says so in the journal. */
  async sync(): Promise<void> {
    await this.#file.sync();
    const journal: Journal = { fingerprint: this.#fingerprint, done: this.#done };
    await writeAtomic(`${this.#path}.part.json`, JSON.stringify(journal) + "\n");
    this.#written = performance.now();
  }

  /** Gives the file its name. */
  async finish(): Promise<void> {
    const { count } = this.#shape;
    if (this.#done !== count) throw new RangeError(`${this.#path} has ${this.#done} rows, expected ${count}`);
    await this.#file.sync();
    await Deno.rename(`${this.#path}.part`, this.#path);
    await Deno.remove(`${this.#path}.part.json`).catch(() => {});
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  async #begin(): Promise<void> {
    this.#file.truncateSync(0);
    // No byte of an earlier attempt stays: what is not written is zero
    this.#file.truncateSync(this.#layout.length);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    writeAll(this.#file, this.#layout.header);
    await this.sync();
  }

  /** Where the text of a row begins. */
  #offset(row: number): number {
    const { begin } = this.#layout.rows.get("prompt_offsets")!;
    this.#file.seekSync(begin + 8 * row, Deno.SeekMode.Start);
    const bytes = new Uint8Array(8);
    for (let at = 0; at < 8;) at += this.#file.readSync(bytes.subarray(at)) ?? 8;
    return Number(new DataView(bytes.buffer).getBigInt64(0, true));
  }

  #write(name: Parameters<EmbeddingLayout["rows"]["get"]>[0], row: number, bytes: Uint8Array): void {
    const { begin, stride } = this.#layout.rows.get(name)!;
    this.#file.seekSync(begin + row * stride, Deno.SeekMode.Start);
    writeAll(this.#file, bytes);
  }

  #bytes(name: string, values: Float32Array, prompts: readonly string[] = [""], perRow = values.length): Uint8Array {
    if (name === "mask") return Uint8Array.from(values);
    const bad = values.findIndex((x) => !(Math.abs(x) <= LARGEST[this.#shape.dtype]));
    if (bad >= 0) {
      const { dtype } = this.#shape;
      const hint = Number.isFinite(values[bad]) ? `: ${dtype} ends at ${LARGEST[dtype]}, expected bf16 or f32` : "";
      throw new RangeError(
        `The embedding of ${JSON.stringify(prompts[Math.floor(bad / perRow)])} holds ${values[bad]}${hint}`,
      );
    }
    const data = { F32: (x: Float32Array) => x, F16: f32ToF16, BF16: f32ToBf16 }[this.#shape.dtype](values);
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

/** The largest number of each type. */
const LARGEST: Readonly<Record<EmbeddingType, number>> = { F32: 3.4e38, F16: 65504, BF16: 3.38e38 };

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

async function readJournal(path: string): Promise<Journal | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return JSON.parse(text) as Journal;
}
