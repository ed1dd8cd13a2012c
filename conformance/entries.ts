import { parseSafetensors, type SafetensorsEntry } from "@dipp/nn";
import { type Tensor, tensor } from "@dipp/tensor";
import { isObject } from "./json.ts";

/** Tensors of a safetensors file by name. */
export type Entries = ReadonlyMap<string, SafetensorsEntry>;

/** Reads the tensors of a safetensors file. */
export function readEntries(file: string): Entries {
  return parseSafetensors(Deno.readFileSync(file), file).tensors;
}

/** A stored tensor as one of the engine: integers as i32, booleans as bool, everything else as f32. */
export function toTensor(entry: SafetensorsEntry): Tensor {
  const shape = [...entry.shape];
  if (entry.dtype === "BOOL") return tensor(Uint8Array.from(entry.data, Number), shape, "bool");
  if (/^[IU]/.test(entry.dtype)) return tensor(Int32Array.from(entry.data, Number), shape, "i32");
  return tensor(entry.toFloat32(), shape);
}

/**
 * Checks that tensors are what a description says of them.
 *
 * @param entries The tensors.
 * @param described Shape and dtype by name; nothing is checked where there is no description.
 * @param what What the tensors are, for the message.
 * @throws {RangeError} If one is missing, or has another shape or dtype.
 */
export function checkDescribed(entries: Entries, described: unknown, what: string): void {
  if (!isObject(described)) return;
  for (const [name, claim] of Object.entries(described)) {
    const entry = entries.get(name);
    if (!entry) throw new RangeError(`${what} have no tensor "${name}", which the description lists`);
    const { shape, dtype } = claim as { shape?: unknown; dtype?: unknown };
    const [actual, expected] = [`${entry.dtype} [${entry.shape}]`, `${dtype} [${shape}]`];
    if (actual !== expected) throw new RangeError(`"${name}" of ${what} is ${actual}, described as ${expected}`);
  }
}
