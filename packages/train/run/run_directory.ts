/** The directory that a run leaves. */
import { writeAtomic } from "@dipp/nn";
import { ConfigError } from "../config/config_error.ts";
import { firstDifference } from "../config/load_config.ts";
import type { Config } from "../config/schema.ts";

/** What `config.json` of a run directory holds. */
export interface RunRecord {
  /** The complete configuration. */
  readonly config: Config;
  /** Numbers that follow from it. */
  readonly derived: Readonly<Record<string, unknown>>;
  /** The device. */
  readonly adapter: string;
  /** The command line. */
  readonly command: string;
}

/**
 * Reads what an earlier run left, if there was one.
 *
 * @param out The directory.
 * @returns Its record, or undefined.
 */
export async function readRecord(out: string): Promise<RunRecord | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${out}/config.json`)) as RunRecord;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof SyntaxError) throw new ConfigError(`${out}/config.json is not JSON: ${error.message}`);
    throw error;
  }
}

/** Writes the record of a run. */
export async function writeRecord(out: string, record: RunRecord): Promise<void> {
  await Deno.mkdir(out, { recursive: true });
  await writeAtomic(`${out}/config.json`, JSON.stringify(record, null, 2) + "\n");
}

/**
 * Makes sure that a run can go on with a configuration.
 *
 * @param out The directory.
 * @param config The configuration to go on with.
 * @throws {ConfigError} If there was no run, or it computed something else.
 */
export async function checkResumable(out: string, config: Config): Promise<void> {
  const record = await readRecord(out);
  if (record === undefined) throw new ConfigError(`--resume: ${out} holds no run, expected one with a config.json`);
  const difference = firstDifference(record.config, config);
  if (difference !== undefined) {
    throw new ConfigError(`--resume: the configuration of the run in ${out} differs: ${difference}`);
  }
}

/**
 * Moves an earlier run out of the way, so that nothing is ever overwritten.
 *
 * @param out The directory.
 * @returns Where the earlier run lies now; undefined if there was none.
 */
export async function moveAside(out: string): Promise<string | undefined> {
  if (await readRecord(out) === undefined) return undefined;
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  for (let n = 0;; n++) {
    const aside = `${out.replace(/\/+$/, "")}.until-${stamp}${n === 0 ? "" : `-${n}`}`;
    try {
      await Deno.stat(aside);
    } catch {
      await Deno.rename(out, aside);
      return aside;
    }
  }
}
