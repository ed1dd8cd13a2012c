/** Prompts from files of any length, one after the other. */
import { openBytes } from "@dipp/nn";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { ConfigError } from "../config/config_error.ts";

/** A file of prompts. */
export interface PromptSource {
  /** The file. */
  readonly path: string;
  /** How it is read. */
  readonly format: "text" | "jsonl" | "parquet";
  /** The field or column that holds the prompt; without it the first there is of {@linkcode FIELDS}. */
  readonly field?: string;
}

/** What fields with prompts are called, those that are preferred first. */
export const FIELDS: readonly string[] = ["prompt", "caption", "text", "TEXT", "Prompt"];

/** Characters of the longest prompt: more are a wrong file. */
const LONGEST = 100_000;

/** Rows of a Parquet file that are decoded at a time. */
const ROWS = 10_000;

/**
 * Says how a file is to be read, by its ending: `.jsonl` and `.ndjson`, `.parquet`, anything else as text.
 *
 * @param path The file.
 * @param field The field or column, for files that have some.
 * @returns The source; nothing was read.
 */
export function promptSource(path: string, field?: string): PromptSource {
  const format = /\.(jsonl|ndjson)$/i.test(path) ? "jsonl" : /\.parquet$/i.test(path) ? "parquet" : "text";
  if (format === "text" && field !== undefined) {
    throw new ConfigError(`--field is ${field}, but ${path} is text, which has no fields`);
  }
  return { path, format, ...(field !== undefined && { field }) };
}

/**
 * Reads prompts. Text has one a line; JSONL has an object with the field, or a string, a line; Parquet has a column of
 * strings. Blanks around a prompt are dropped, and prompts of nothing else passed over.
 *
 * @param source The file.
 * @returns The prompts, in order.
 * @throws {ConfigError} If there is no such file, or it is not in its format; naming the line or the row.
 */
export async function* readPrompts(source: PromptSource): AsyncGenerator<string> {
  const read = { text: fromText, jsonl: fromJsonLines, parquet: fromParquet }[source.format];
  for await (const [where, prompt] of read(source)) {
    const plain = prompt.trim();
    if (plain === "") continue;
    if (plain.length > LONGEST) {
      throw new ConfigError(`${where} of ${source.path} has ${plain.length} characters, expected at most ${LONGEST}`);
    }
    yield plain;
  }
}

type Numbered = AsyncGenerator<[where: string, prompt: string]>;

async function* fromText({ path }: PromptSource): Numbered {
  for await (const [n, line] of lines(path)) yield [`Line ${n}`, line];
}

async function* fromJsonLines({ path, field }: PromptSource): Numbered {
  for await (const [n, line] of lines(path)) {
    if (line.trim() === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw new ConfigError(`Line ${n} of ${path} is not JSON: ${line.slice(0, 80)}`, { cause });
    }
    yield [`Line ${n}`, typeof value === "string" ? value : fieldOf(value, field, `Line ${n} of ${path}`)];
  }
}

async function* fromParquet({ path, field }: PromptSource): Numbered {
  using bytes = await open(path);
  const file = {
    byteLength: bytes.length,
    slice: async (start: number, end: number = bytes.length) => (await bytes.read(start, end)).buffer,
  };
  try {
    const metadata = await parquetMetadataAsync(file);
    const columns = metadata.schema.filter((element) => element.num_children === undefined).map(({ name }) => name);
    const column = [field ?? FIELDS].flat().find((name) => columns.includes(name));
    if (column === undefined) {
      throw new ConfigError(
        `${path} has the columns ${columns.join(", ")}, expected ${[field ?? FIELDS].flat().join(", ")}`,
      );
    }
    const count = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < count; rowStart += ROWS) {
      const rowEnd = Math.min(rowStart + ROWS, count);
      const rows = await parquetReadObjects({ file, metadata, columns: [column], rowStart, rowEnd });
      for (const [i, row] of rows.entries()) {
        const where = `Row ${rowStart + i}`;
        yield [where, fieldOf(row, column, `${where} of ${path}`)];
      }
    }
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const reason = cause instanceof Error ? cause.message : `${cause}`;
    throw new ConfigError(`Cannot read ${path} as Parquet: ${reason}`, { cause });
  }
}

function fieldOf(value: unknown, field: string | undefined, where: string): string {
  const object = typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  const names = field === undefined ? FIELDS : [field];
  const prompt = names.map((name) => object[name]).find((found) => found !== undefined);
  if (typeof prompt === "string") return prompt;
  throw new ConfigError(`${where} has the ${names[0]} ${JSON.stringify(prompt) ?? "missing"}, expected a text`);
}

/** The lines of a file with their numbers, from 1. */
async function* lines(path: string): AsyncGenerator<[number, string]> {
  using bytes = await open(path);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const PIECE = 2 ** 20;
  let rest = "", n = 0;
  for (let at = 0; at < bytes.length; at += PIECE) {
    const end = Math.min(at + PIECE, bytes.length);
    let text: string;
    try {
      text = decoder.decode(await bytes.read(at, end), { stream: end < bytes.length });
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new ConfigError(`${path} is not UTF-8 text`, { cause });
    }
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    if (rest.length > 2 * LONGEST) throw new ConfigError(`Line ${n + parts.length + 1} of ${path} has no end`);
    for (const line of parts) yield [++n, line.replace(/\r$/, "")];
  }
  if (rest !== "") yield [++n, rest];
}

async function open(path: string): ReturnType<typeof openBytes> {
  try {
    return await openBytes(path);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new ConfigError(cause.message);
  }
}
