/** Checkpoints of a run: complete, checked, the last few kept. */
import { readSafetensors, writeSafetensors } from "@dipp/nn";
import type { SafetensorsEntry, SafetensorsInput } from "@dipp/nn";

/** A checkpoint that was read back. */
export interface StoredCheckpoint {
  /** Where it lies. */
  readonly path: string;
  /** Steps that were done when it was written. */
  readonly step: number;
  /** The tensors by name. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  /** What was stored beside them. */
  readonly metadata: Readonly<Record<string, string>>;
}

const NAME = /^step-(\d{6,})\.safetensors$/;

/**
 * A directory of `step-000100.safetensors` files. Each is written to a
 * temporary file, synced and renamed, and carries a checksum; so after a crash
 * at any moment the newest file is whole, and one that a disk has damaged is
 * found out and passed over.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CheckpointStore } from "@dipp/train";
 *
 * const directory = await Deno.makeTempDir();
 * const store = new CheckpointStore(directory, 2);
 * const data = new Float32Array([1, 2]);
 * for (const step of [1, 2, 3]) {
 *   await store.save(step, new Map([["w", { dtype: "F32", shape: [2], data }]]));
 * }
 * assertEquals(await store.steps(), [2, 3]);
 * assertEquals((await store.latest())?.step, 3);
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export class CheckpointStore {
  /** Where the files lie. */
  readonly directory: string;
  readonly #keep: number;

  /**
   * Names the directory; nothing is read or written yet.
   *
   * @param directory Where the files go; made when the first is written.
   * @param keep How many to keep, at least 1; older ones are removed.
   */
  constructor(directory: string, keep: number) {
    if (!Number.isInteger(keep) || keep < 1) {
      throw new RangeError(
        `Checkpoints to keep are ${keep}, expected an integer of at least 1`,
      );
    }
    this.directory = directory;
    this.#keep = keep;
  }

  /** The path of the checkpoint of a step. */
  path(step: number): string {
    return `${this.directory}/step-${`${step}`.padStart(6, "0")}.safetensors`;
  }

  /** The steps of which there is a file, ascending. */
  async steps(): Promise<number[]> {
    const steps: number[] = [];
    try {
      for await (const { name } of Deno.readDir(this.directory)) {
        const match = NAME.exec(name);
        if (match) steps.push(Number(match[1]));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return steps.sort((a, b) => a - b);
  }

  /**
   * Writes the checkpoint of a step, then removes the ones beyond those to
   * keep and what crashed writes have left.
   *
   * @param step Steps done.
   * @param tensors The state by name; floating point is stored as it is given.
   * @param metadata Strings to store beside it.
   * @returns The path of the file.
   */
  async save(
    step: number,
    tensors: ReadonlyMap<string, SafetensorsInput>,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    await Deno.mkdir(this.directory, { recursive: true });
    const path = this.path(step);
    await writeSafetensors(path, tensors, { ...metadata, step: `${step}` });
    const old = (await this.steps()).filter((s) => s < step);
    const surplus = old.slice(0, Math.max(0, old.length + 1 - this.#keep));
    for (const s of surplus) await Deno.remove(this.path(s));
    for await (const { name } of Deno.readDir(this.directory)) {
      if (name.endsWith(".tmp")) await Deno.remove(`${this.directory}/${name}`);
    }
    return path;
  }

  /**
   * Reads the newest checkpoint that is whole.
   *
   * @param onRefused Told of every file that was passed over, and why.
   * @returns The checkpoint, or undefined when there is none.
   */
  async latest(
    onRefused: (path: string, reason: string) => void = () => {},
  ): Promise<StoredCheckpoint | undefined> {
    for (const step of (await this.steps()).reverse()) {
      const path = this.path(step);
      try {
        const { tensors, metadata } = await readSafetensors(path);
        if (metadata.step !== `${step}`) {
          throw new RangeError(
            `Checkpoint step is ${metadata.step}, expected ${step}`,
          );
        }
        return { path, step, tensors, metadata };
      } catch (error) {
        onRefused(path, error instanceof Error ? error.message : `${error}`);
      }
    }
    return undefined;
  }
}
