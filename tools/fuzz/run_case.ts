/** One broken file, and what its reader makes of it. */
import { type ByteSource, memoryBytes, openSafetensors, openTorch } from "@dipp/nn";
import type { Seed } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";

/** How a case ended. */
export interface Outcome {
  /** `loads`: all tensors were read; `refused`: a clear error; `fails`: anything else. */
  readonly kind: "loads" | "refused" | "fails";
  /** The error, or what is wrong. */
  readonly message: string;
}

/** Milliseconds that a reader may take for a file of a few kilobytes. */
const MOST_TIME = 1000;
/** Bytes that a reader may ask for, as a multiple of the file: its tensors may share their storage. */
const MOST_READ = 100;

/**
 * Breaks a file and reads it.
 *
 * @param seeds The files.
 * @param seed The seed of the run.
 * @param index The case.
 * @returns How it ended.
 */
export async function runCase(seeds: readonly Seed[], seed: number, index: number): Promise<Outcome> {
  const random = new Random(seed, index);
  const { format, bytes, wrap } = random.pick(seeds);
  const mutated = mutate(bytes, random, seeds.map((one) => one.bytes));
  const broken = wrap?.(mutated) ?? mutated;
  const began = performance.now();
  let asked = 0, largest = 0;
  const memory = memoryBytes(broken, "the file");
  const source: ByteSource = {
    ...memory,
    read(begin, end) {
      asked += Math.max(0, end - begin);
      largest = Math.max(largest, end - begin);
      return memory.read(begin, end);
    },
  };
  let outcome: Outcome = { kind: "loads", message: "" };
  try {
    using file = await (format === "torch" ? openTorch(source) : openSafetensors(source));
    for (const stored of file.tensors.values()) {
      const { size, bytes } = await stored.read();
      if (size !== stored.size) throw new Error(`read ${size} elements of ${stored.size}`);
      asked += bytes.length;
    }
  } catch (error) {
    const isKnown = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
    const isClear = isKnown && error.message.startsWith("Cannot read the file: ");
    outcome = { kind: isClear ? "refused" : "fails", message: String(error) };
  }
  const took = performance.now() - began;
  if (took > MOST_TIME) return { kind: "fails", message: `takes ${took.toFixed(0)} ms` };
  if (largest > broken.length || asked > MOST_READ * (broken.length + 1024)) {
    return { kind: "fails", message: `asks for ${asked} bytes of ${broken.length}, ${largest} at once` };
  }
  return outcome;
}
