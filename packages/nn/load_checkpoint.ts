/**
 * Checkpoints straight onto the device, one tensor at a time.
 *
 * @module
 */

import { type DeviceWords, type DType, type Tensor, treeEntries, treeMap, upload } from "@dipp/tensor";
import {
  type CheckpointReport,
  checkpointReport,
  type Misfit,
  type ReportOptions,
  reportText,
} from "./checkpoint_report.ts";
import { f32ToBf16, f32ToF16 } from "./half.ts";
import type { Params } from "./params.ts";
import type { SafetensorsEntry } from "./safetensors_entry.ts";
import type { StoredTensor } from "./stored_tensor.ts";

/** How {@linkcode loadCheckpoint} loads. */
export interface LoadCheckpointOptions extends ReportOptions {
  /** Element type of the floating-point parameters; default the template's. */
  readonly dtype?: "f32" | "f16" | "bf16";
  /** Misfits that are no error: the parameter keeps the template's value, the tensor is left out. Default none. */
  readonly allow?: readonly Misfit[];
  /** Called after each tensor with the elements read so far and those there are to read. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What {@linkcode loadCheckpoint} gives. */
export interface LoadedCheckpoint<P extends Params> {
  /** The parameters, on the device; those that the checkpoint lacks are the template's. */
  readonly params: P;
  /** What did not fit. */
  readonly report: CheckpointReport;
}

/** Elements that are read, converted and copied to the device at a time. */
const PIECE = 2 ** 22;

/**
 * Fills a tree with the tensors of a checkpoint: each is read by parts, converted and copied to the device before the
 * next, so that neither the file nor a tensor is ever in memory as a whole. 16-bit floats that stay of their type keep
 * their bits.
 *
 * @param template a tree with the wanted structure and shapes, usually a network's `init(key)`; its values need not be
 *   computed
 * @param tensors the tensors by name, from `openTensors` or one of its kind
 * @param options see {@linkcode LoadCheckpointOptions}
 * @returns the parameters and a report
 * @throws {RangeError} listing what is missing, unexpected or of another shape, before anything is read; or naming a
 *   tensor that is too large for f16
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadCheckpoint, openSafetensors, writeSafetensors } from "@dipp/nn";
 * import { zeros } from "@dipp/tensor";
 *
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const data = new Float32Array([1, 2]);
 * await writeSafetensors(path, { "fc.bias": { dtype: "BF16", shape: [2], data } });
 * using file = await openSafetensors(path);
 * const { params } = await loadCheckpoint({ fc: { bias: zeros([2]) } }, file.tensors, { dtype: "bf16" });
 * assertEquals(params.fc.bias.dtype, "bf16");
 * assertEquals(await params.fc.bias.data(), data);
 * ```
 */
export async function loadCheckpoint<P extends Params>(
  template: P,
  tensors: ReadonlyMap<string, StoredTensor>,
  options: LoadCheckpointOptions = {},
): Promise<LoadedCheckpoint<P>> {
  const { prefix = "", allow = [], onProgress } = options;
  const report = checkpointReport(template, tensors, options);
  const problems = reportText(report, allow);
  if (problems !== "") throw new RangeError(`Cannot load parameters: ${problems}`);

  const misshapen = new Set(report.misshapen.map(({ name }) => name));
  const leaves = new Map(treeEntries<Tensor>(template));
  // In the order of the file, which is the fastest to read
  const wanted = [...tensors].filter(([name]) => name.startsWith(prefix))
    .map(([name, stored]) => [name.slice(prefix.length), stored] as const)
    .filter(([name]) => leaves.has(name) && !misshapen.has(name));
  const total = wanted.reduce((n, [, stored]) => n + stored.size, 0);
  const loaded = new Map<string, Tensor>();
  let done = 0;
  for (const [name, stored] of wanted) {
    const leaf = leaves.get(name)!;
    const isFloat = leaf.dtype === "f32" || leaf.dtype === "f16" || leaf.dtype === "bf16";
    const dtype = isFloat ? options.dtype ?? leaf.dtype : leaf.dtype;
    loaded.set(name, await upload(stored.shape, dtype, pieces(name, stored, dtype)));
    onProgress?.(done += stored.size, total);
  }
  const params = treeMap<Tensor, Tensor>(template, (leaf, path) => loaded.get(path) ?? leaf) as P;
  return { params, report };
}

async function* pieces(name: string, stored: StoredTensor, dtype: DType): AsyncGenerator<DeviceWords> {
  for (let at = 0; at < stored.size; at += PIECE) {
    yield toWords(name, await stored.read(at, Math.min(at + PIECE, stored.size)), dtype);
  }
}

function toWords(name: string, entry: SafetensorsEntry, dtype: DType): DeviceWords {
  switch (dtype) {
    case "f32":
      return entry.toFloat32();
    case "bf16":
      return entry.dtype === "BF16" ? entry.data as Uint16Array : f32ToBf16(entry.toFloat32());
    case "f16": {
      if (entry.dtype === "F16") return entry.data as Uint16Array;
      const values = entry.toFloat32();
      return checkRange(name, values, f32ToF16(values));
    }
    case "i32":
      return Int32Array.from(entry.data, Number);
    case "u32":
      return Uint32Array.from(entry.data, Number);
    case "bool":
      return Uint32Array.from(entry.toFloat32(), (value) => value === 0 ? 0 : 1);
  }
}

/** f16 ends at 65504: what lies beyond would become infinite without a word. */
function checkRange(name: string, values: Float32Array, bits: Uint16Array): Uint16Array {
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i] & 0x7fff) !== 0x7c00 || !Number.isFinite(values[i])) continue;
    throw new RangeError(`Cannot load "${name}" as f16: it holds ${values[i]}, and f16 ends at 65504; bf16 does not`);
  }
  return bits;
}
