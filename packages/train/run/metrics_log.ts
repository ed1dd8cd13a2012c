/** The numbers of a run, one JSON object a line. */
import { writeAtomic } from "@dipp/nn";

/** One line: the step and its numbers. */
export type MetricsLine = { step: number } & Record<string, unknown>;

/**
 * A `metrics.jsonl` file that is appended to as a run goes on. NaN and
 * infinities, which JSON has not, are written as strings.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MetricsLog } from "@dipp/train";
 *
 * const path = await Deno.makeTempFile();
 * const log = await MetricsLog.open(path, 0);
 * log.write({ step: 1, loss: 0.5 });
 * log.write({ step: 2, loss: NaN });
 * log.close();
 * const resumed = await MetricsLog.open(path, 1);
 * resumed.close();
 * assertEquals(await Deno.readTextFile(path), '{"step":1,"loss":0.5}\n');
 * await Deno.remove(path);
 * ```
 */
export class MetricsLog {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Opens a log and cuts it back to what had happened by a step, so that a
   * resumed run repeats no line.
   *
   * @param path The file; it is created where it is missing.
   * @param step Lines of later steps are dropped, and incomplete ones.
   * @returns The log, at its end.
   */
  static async open(path: string, step: number): Promise<MetricsLog> {
    const kept = step === 0 ? "" : keep(await readIfThere(path), step);
    await writeAtomic(path, kept);
    return new MetricsLog(await Deno.open(path, { append: true }));
  }

  /** Appends one line. */
  write(line: MetricsLine): void {
    const text = JSON.stringify(
      line,
      (_, value) => typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    );
    const bytes = new TextEncoder().encode(text + "\n");
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }
}

/**
 * Reads a log.
 *
 * @param path The file.
 * @returns Its lines, without one that a crash has cut off; none where there is no file.
 */
export async function readMetrics(path: string): Promise<MetricsLine[]> {
  const text = await readIfThere(path);
  return keep(text, Infinity).split("\n").slice(0, -1).map((line) => JSON.parse(line) as MetricsLine);
}

function keep(text: string, step: number): string {
  const lines = text.split("\n").slice(0, -1).filter((line) => {
    try {
      return JSON.parse(line).step <= step;
    } catch {
      return false;
    }
  });
  return lines.map((line) => line + "\n").join("");
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
