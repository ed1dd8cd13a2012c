/** The file format of preferences: one JSON object a line. */
import { ConfigError } from "../config/config_error.ts";

/** One pair of images of a prompt, compared. */
export interface Preference {
  /** What the images show. */
  readonly prompt: string;
  /** The preferred image's file; of a tie, one of the two. */
  readonly chosen: string;
  /** The other image's file. */
  readonly rejected: string;
  /** Whether neither is preferred. */
  readonly isTie: boolean;
}

/** A preference with where it stands. */
export interface PreferenceLine extends Preference {
  /** Number of its line, from 1. */
  readonly line: number;
}

/**
 * Reads preferences: lines `{"prompt", "chosen", "rejected"}`, with `"tie": true` where neither image is preferred.
 * Lines with `"skipped"` hold no preference. Other keys mean nothing; a last line that was not finished is left out.
 *
 * @param text The file's text.
 * @param file Its name, for errors.
 * @returns The preferences, in order.
 * @throws {ConfigError} If a line is not such an object; the error names file, line and what was expected.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parsePreferences } from "./preference_line.ts";
 *
 * const text = '{"prompt": "red apple", "chosen": "a.png", "rejected": "b.png"}\n{"prompt": "pea';
 * assertEquals(parsePreferences(text, "mine.jsonl"), [
 *   { prompt: "red apple", chosen: "a.png", rejected: "b.png", isTie: false, line: 1 },
 * ]);
 * ```
 */
export function parsePreferences(text: string, file: string): PreferenceLine[] {
  const lines = text.split("\n");
  return lines.flatMap((own, i): PreferenceLine[] => {
    if (own.trim() === "") return [];
    let value: unknown;
    try {
      value = JSON.parse(own);
    } catch (error) {
      if (i === lines.length - 1) return [];
      throw new ConfigError(`${file} line ${i + 1} is not JSON: ${(error as Error).message}`);
    }
    return preference(value, `${file} line ${i + 1}`, i + 1);
  });
}

function preference(value: unknown, where: string, line: number): PreferenceLine[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError(`${where} is ${short(value)}, expected an object with prompt, chosen and rejected`);
  }
  const fields = value as Record<string, unknown>;
  if (fields.skipped !== undefined) return [];
  const text = (name: string, what: string) => {
    const field = fields[name];
    if (typeof field === "string" && field.trim() !== "") return field;
    throw new ConfigError(`${where}: ${name} is ${field === undefined ? "missing" : short(field)}, expected ${what}`);
  };
  const { tie = false } = fields;
  if (typeof tie !== "boolean") throw new ConfigError(`${where}: tie is ${short(tie)}, expected true or false`);
  return [{
    prompt: text("prompt", "a text"),
    chosen: text("chosen", "the path of an image"),
    rejected: text("rejected", "the path of an image"),
    isTie: tie,
    line,
  }];
}

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
