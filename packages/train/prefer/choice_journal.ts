/** Choices as they are made: one line each, on the disk before it counts. */
import { writeAtomic } from "@dipp/nn";
import { ConfigError } from "../config/config_error.ts";

/** What a person says of two images. */
export type Verdict = "left" | "right" | "tie" | "skip";

/** All verdicts. */
export const VERDICTS: readonly Verdict[] = ["left", "right", "tie", "skip"];

/** One choice. */
export interface Choice {
  /** Number of the pair, from 0. */
  readonly pair: number;
  /** The prompt. */
  readonly prompt: string;
  /** The image files, relative to the journal. */
  readonly files: readonly [left: string, right: string];
  /** What was said. */
  readonly verdict: Verdict;
}

/** A choice that is on the disk, and where its line begins. */
interface Entry {
  readonly verdict: Verdict;
  readonly at: number;
}

/**
 * A file of preferences that grows by a line a choice, pair after pair. A line is written and synced before `append`
 * comes back; a line that a crash has cut off was never acknowledged, and is dropped when the file is opened again.
 *
 * The lines are what training reads: `{"pair", "prompt", "chosen", "rejected"}`, with `"tie": true` for a tie; a pair
 * that was skipped is `{"pair", "prompt", "skipped"}`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ChoiceJournal } from "./choice_journal.ts";
 *
 * const path = await Deno.makeTempFile();
 * using journal = await ChoiceJournal.open(path);
 * await journal.append({ pair: 0, prompt: "pear", files: ["a.png", "b.png"], verdict: "right" });
 * assertEquals(await Deno.readTextFile(path), '{"pair":0,"prompt":"pear","chosen":"b.png","rejected":"a.png"}\n');
 * await journal.undo();
 * assertEquals([journal.length, await Deno.readTextFile(path)], [0, ""]);
 * ```
 */
export class ChoiceJournal implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #entries: Entry[];
  #end: number;

  private constructor(file: Deno.FsFile, entries: Entry[], end: number) {
    this.#file = file;
    this.#entries = entries;
    this.#end = end;
  }

  /**
   * Opens a journal, or begins one.
   *
   * @param path The file.
   * @returns The journal, with all choices that were acknowledged.
   * @throws {ConfigError} If the file holds something else, or another process has it open; it is left as it is.
   */
  static async open(path: string): Promise<ChoiceJournal> {
    // A new file is made durable with its name
    if (!await Deno.stat(path).then(() => true, () => false)) await writeAtomic(path, "");
    const file = await Deno.open(path, { read: true, write: true });
    try {
      if (!await file.tryLock(true)) {
        throw new ConfigError(`${path} is being written by another process, expected to be the only one`);
      }
      const bytes = await Deno.readFile(path);
      const entries: Entry[] = [];
      let at = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
        const line = new TextDecoder().decode(bytes.subarray(at, end));
        entries.push({ verdict: verdictOf(line, entries.length, path), at });
        at = end + 1;
      }
      if (at < bytes.length) await file.truncate(at);
      await file.sync();
      return new ChoiceJournal(file, entries, at);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** How many pairs have been judged: the number of the next one. */
  get length(): number {
    return this.#entries.length;
  }

  /** How often something was said. */
  count(...verdicts: readonly Verdict[]): number {
    return this.#entries.filter(({ verdict }) => verdicts.includes(verdict)).length;
  }

  /**
   * Writes a choice and waits until it is on the disk.
   *
   * @param choice The choice of the next pair.
   * @throws {RangeError} If it is of another pair.
   */
  async append(choice: Choice): Promise<void> {
    if (choice.pair !== this.length) {
      throw new RangeError(`Choice is of pair ${choice.pair}, expected one of pair ${this.length}`);
    }
    const bytes = new TextEncoder().encode(lineOf(choice));
    await this.#file.seek(this.#end, Deno.SeekMode.Start);
    try {
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
      await this.#file.sync();
    } catch (error) {
      // A full disk must not leave half a line before the next one
      await this.#file.truncate(this.#end);
      throw error;
    }
    this.#entries.push({ verdict: choice.verdict, at: this.#end });
    this.#end += bytes.length;
  }

  /** Takes the last choice back, on the disk too; does nothing where there is none. */
  async undo(): Promise<void> {
    const last = this.#entries.at(-1);
    if (last === undefined) return;
    await this.#file.truncate(last.at);
    await this.#file.sync();
    this.#entries.pop();
    this.#end = last.at;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function lineOf({ pair, prompt, files, verdict }: Choice): string {
  if (verdict === "skip") return JSON.stringify({ pair, prompt, skipped: files }) + "\n";
  const [chosen, rejected] = verdict === "right" ? [files[1], files[0]] : files;
  return JSON.stringify({ pair, prompt, chosen, rejected, ...(verdict === "tie" ? { tie: true } : {}) }) + "\n";
}

function verdictOf(line: string, pair: number, path: string): Verdict {
  let value: Record<string, unknown> | null = null;
  try {
    value = JSON.parse(line);
  } catch {
    // Said below
  }
  if (value === null || value.pair !== pair) {
    const shown = line.length > 80 ? `${line.slice(0, 77)}...` : line;
    throw new ConfigError(`${path} line ${pair + 1} is ${shown}, expected the choice of pair ${pair}`);
  }
  if (value.skipped !== undefined) return "skip";
  if (value.tie === true) return "tie";
  return `${value.chosen}`.endsWith("right.png") ? "right" : "left";
}
