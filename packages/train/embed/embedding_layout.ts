/** How embeddings lie in a file: one safetensors file with a row for each prompt. */
import { byAlignment, type DescribedTensor, type SafetensorsDType, serialiseHeader } from "@dipp/nn";

/** Element types of embeddings. */
export type EmbeddingType = "F32" | "F16" | "BF16";

/** What a file of embeddings holds. */
export interface EmbeddingShape {
  /** Prompts. */
  readonly count: number;
  /** UTF-8 bytes of all prompts together. */
  readonly textBytes: number;
  /** Tokens of a prompt. */
  readonly length: number;
  /** Numbers of a token. */
  readonly width: number;
  /** Whether there is a mask. */
  readonly hasMask: boolean;
  /** Numbers of the pooled prompt, where there is one. */
  readonly pooled?: number;
  /** Their type. */
  readonly dtype: EmbeddingType;
}

/** Where the rows of one tensor lie. */
export interface Rows {
  /** Byte of the first row. */
  readonly begin: number;
  /** Bytes of a row. */
  readonly stride: number;
}

/** The tensors of a prompt, and of no prompt; the parts of a condition by their names in the file. */
export type Part = "embeds" | "mask" | "text_embeds";

/** A file before its rows are there. */
export interface EmbeddingLayout {
  /** The bytes at its beginning. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** Its length in bytes. */
  readonly length: number;
  /** Where each tensor is; those of no prompt begin with `null.`. */
  readonly rows: ReadonlyMap<Part | `null.${Part}` | "prompts" | "prompt_offsets", Rows>;
}

const WIDTHS: Partial<Record<SafetensorsDType, number>> = { F32: 4, F16: 2, BF16: 2, U8: 1, I64: 8 };

/**
 * Lays a file out: `embeds` `[N, L, D]`, `mask` `[N, L]` and `text_embeds` `[N, D']` where there are some, the same of no
 * prompt with `null.` before their names and one row; `prompts`, the UTF-8 bytes of all prompts, and `prompt_offsets`
 * `[N + 1]`, where each begins.
 *
 * @param shape What it holds.
 * @param metadata Strings to be stored beside.
 * @returns The header, and where everything goes.
 */
export function embeddingLayout(
  shape: EmbeddingShape,
  metadata: Readonly<Record<string, string>>,
): EmbeddingLayout {
  const { count, length, width, hasMask, pooled, dtype, textBytes } = shape;
  const parts: [Part, SafetensorsDType, number[]][] = [["embeds", dtype, [length, width]]];
  if (hasMask) parts.push(["mask", "U8", [length]]);
  if (pooled !== undefined) parts.push(["text_embeds", dtype, [pooled]]);
  const described = (key: string, dtype: SafetensorsDType, shape: number[]): DescribedTensor => ({
    key,
    dtype,
    shape,
    length: shape.reduce((n, d) => n * d, WIDTHS[dtype]!),
  });
  const tensors = [
    ...parts.map(([name, dtype, row]) => described(name, dtype, [count, ...row])),
    ...parts.map(([name, dtype, row]) => described(`null.${name}`, dtype, [1, ...row])),
    described("prompts", "U8", [textBytes]),
    described("prompt_offsets", "I64", [count + 1]),
  ].sort(byAlignment);
  const header = serialiseHeader(tensors, metadata);
  const rows = new Map<string, Rows>();
  let at = header.length;
  for (const { key, dtype, shape, length } of tensors) {
    const isText = key === "prompts";
    rows.set(key, { begin: at, stride: isText ? 1 : shape.slice(1).reduce((n, d) => n * d, WIDTHS[dtype]!) });
    at += length;
  }
  return { header, length: at, rows: rows as EmbeddingLayout["rows"] };
}
