/** Prompts through a text encoder, once, into a file that a training reads. */
import { openSafetensors } from "@dipp/nn";
import { type Cond, DiffusersDirectory, PromptEncoder } from "@dipp/scores";
import { createHash } from "node:crypto";
import { ConfigError } from "../config/config_error.ts";
import type { Interrupt } from "../run/interrupt.ts";
import type { EmbeddingType } from "./embedding_layout.ts";
import { EmbeddingWriter, type EncodedRows } from "./embedding_writer.ts";
import { embeddingFingerprint } from "./fingerprint.ts";
import { type PromptSource, readPrompts } from "./prompt_source.ts";

/** What {@linkcode embedPrompts} does. */
export interface EmbedOptions {
  /** The prompts. */
  readonly source: PromptSource;
  /** A directory of diffusers. */
  readonly model: string;
  /** The file to write. */
  readonly out: string;
  /** Prompts encoded at a time. */
  readonly batchSize: number;
  /** How embeddings are stored. */
  readonly dtype: EmbeddingType;
  /** How the text encoder's weights lie on the device. */
  readonly weights: "f32" | "f16" | "bf16";
  /** Tokens of a prompt; by default the encoder's. */
  readonly length?: number;
  /** The request to stop. */
  readonly interrupt: Pick<Interrupt, "requested">;
  /** Told what happens. */
  readonly note: (text: string) => void;
  /** Called after every batch, with the prompts done, those there are, and the seconds that the batch took. */
  readonly onBatch: (done: number, total: number, seconds: number) => void;
}

/** How far {@linkcode embedPrompts} came. */
export interface EmbedResult {
  /** Prompts that are in the file. */
  readonly done: number;
  /** Prompts that there are. */
  readonly total: number;
}

/**
 * Encodes every prompt of a file, streaming: one batch is in memory at a time. A run that was interrupted, or killed, goes
 * on where it was, and the file has the bytes that it would have had: batches are always cut in the same places, and the
 * last is filled up.
 *
 * @param options What, with what, and where.
 * @returns How far it came; fewer than there are after an interrupt.
 * @throws {ConfigError} If the prompts cannot be read, or something else lies where the result is to go.
 * @throws {TypeError} If the directory is not what it should be.
 * @throws {RangeError} If an embedding does not fit its type.
 */
export async function embedPrompts(options: EmbedOptions): Promise<EmbedResult> {
  const { source, model, out, batchSize, dtype, weights, interrupt, note, onBatch } = options;
  const directory = await DiffusersDirectory.open(model);
  const { count, textBytes, digest } = await survey(source);
  const settings = { digest, dtype, weights, batchSize, length: options.length ?? null };
  const fingerprint = await embeddingFingerprint(directory, settings);
  if (await isThere(out, fingerprint)) {
    note(`${out} is there already, of the same prompts, model and settings`);
    return { done: count, total: count };
  }
  using encoder = await PromptEncoder.load(directory, {
    dtype: weights,
    ...(options.length !== undefined && { length: options.length }),
  });
  const none = await encoder.null(batchSize);
  const [, length, width] = none.embeds!.shape;
  const pooled = none.textEmbeds?.shape[1];
  const shape = { count, textBytes, length, width, hasMask: none.mask !== undefined, dtype };
  const metadata = { format: "dipp.embeddings", pipeline: directory.pipeline, fingerprint };
  using writer = await EmbeddingWriter.open(
    out,
    pooled === undefined ? shape : { ...shape, pooled },
    metadata,
    fingerprint,
  );
  if (writer.done > 0) note(`Going on after prompt ${writer.done} of ${count}`);
  writer.writeNull(firstRow(await rowsOf(none), batchSize));
  for await (const { begin, prompts } of batches(source, batchSize)) {
    if (begin < writer.done) continue;
    if (interrupt.requested) break;
    const began = performance.now();
    const filled = [...prompts, ...new Array<string>(batchSize - prompts.length).fill("")];
    await writer.append(prompts, await rowsOf(await encoder.encode(filled)));
    onBatch(writer.done, count, (performance.now() - began) / 1000);
  }
  if (writer.done < count) await writer.sync();
  else await writer.finish();
  return { done: writer.done, total: count };
}

/** How many prompts there are, how long they are, and which. */
async function survey(source: PromptSource): Promise<{ count: number; textBytes: number; digest: string }> {
  const hash = createHash("sha256");
  let count = 0, textBytes = 0;
  for await (const prompt of readPrompts(source)) {
    const bytes = new TextEncoder().encode(prompt);
    hash.update(bytes).update("\n");
    textBytes += bytes.length;
    count++;
  }
  if (count === 0) throw new ConfigError(`${source.path} holds no prompts, expected at least one`);
  return { count, textBytes, digest: hash.digest("hex") };
}

async function* batches(source: PromptSource, size: number): AsyncGenerator<{ begin: number; prompts: string[] }> {
  let begin = 0, prompts: string[] = [];
  for await (const prompt of readPrompts(source)) {
    prompts.push(prompt);
    if (prompts.length < size) continue;
    yield { begin, prompts };
    begin += size;
    prompts = [];
  }
  if (prompts.length > 0) yield { begin, prompts };
}

/** A batch's numbers on the host; the tensors are freed. */
async function rowsOf({ embeds, mask, textEmbeds }: Cond): Promise<EncodedRows> {
  const parts = Object.entries({ embeds, mask, text_embeds: textEmbeds }).filter(([, tensor]) => tensor !== undefined);
  const values = await Promise.all(parts.map(([, tensor]) => tensor!.data()));
  parts.forEach(([, tensor]) => tensor!.dispose());
  return Object.fromEntries(parts.map(([name], i) => [name, Float32Array.from(values[i])]));
}

function firstRow(rows: EncodedRows, count: number): EncodedRows {
  return Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, all.subarray(0, all.length / count)]));
}

/** Whether the result is there; something else there is an error. */
async function isThere(path: string, fingerprint: string): Promise<boolean> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  let found: string | undefined;
  try {
    using file = await openSafetensors(path);
    found = file.metadata.fingerprint;
  } catch {
    // Not a safetensors file: something else
  }
  if (found === fingerprint) return true;
  throw new ConfigError(`--out is ${path}, which holds something else, expected a new file`);
}
