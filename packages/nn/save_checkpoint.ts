/**
 * Parameters from the device into safetensors files, in parts where they are large, with one batch of tensors in memory.
 *
 * @module
 */

import { type DType, type Tensor, treeEntries } from "@dipp/tensor";
import { writeAtomic, writeAtomicParts } from "./atomic_file.ts";
import { f32ToBf16, f32ToF16 } from "./half.ts";
import { type Params, realizeParams } from "./params.ts";
import { ARRAYS, type SafetensorsData, type SafetensorsDType } from "./safetensors_entry.ts";
import { byAlignment, type DescribedTensor, serialiseHeader } from "./safetensors_serialise.ts";

/** How {@linkcode saveCheckpoint} saves. */
export interface SaveCheckpointOptions {
  /** Store every floating-point parameter in this type; default each parameter's own. */
  readonly dtype?: "F32" | "F16" | "BF16";
  /** Most bytes of tensors in one file; a larger tensor has one of its own. Default 10 GB, as diffusers. */
  readonly maxShardBytes?: number;
  /** Strings to be stored in every file. Default `{ format: "pt" }`, which transformers asks for. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const STORED: Readonly<Record<DType, SafetensorsDType>> = {
  f32: "F32",
  f16: "F16",
  bf16: "BF16",
  i32: "I32",
  u32: "U32",
  bool: "BOOL",
};

/** Bytes that are read back together: a readback takes as long for one tensor as for many. */
const BATCH_BYTES = 2 ** 26;

type Item = DescribedTensor & { readonly leaf: Tensor };

/**
 * Saves a tree as diffusers and transformers do: one file, or, where it is larger than one may be,
 * `NAME-00001-of-0000N.safetensors` and so on with the index `NAME.safetensors.index.json`. Each file is written
 * atomically, the index last.
 *
 * @param path where to write, ending in `.safetensors`
 * @param params the tree
 * @param options see {@linkcode SaveCheckpointOptions}
 * @returns the files that were written
 * @throws {TypeError} when the path has another ending
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openTensors, saveCheckpoint } from "@dipp/nn";
 * import { ones } from "@dipp/tensor";
 *
 * const path = `${await Deno.makeTempDir()}/model.safetensors`;
 * const files = await saveCheckpoint(path, { a: ones([4]), b: ones([4]) }, { maxShardBytes: 16 });
 * assertEquals(files.length, 3);
 * using file = await openTensors(files[2]);
 * assertEquals([...file.tensors.keys()], ["a", "b"]);
 * ```
 */
export async function saveCheckpoint(
  path: string,
  params: Params,
  options: SaveCheckpointOptions = {},
): Promise<string[]> {
  const { maxShardBytes = 10e9, metadata = { format: "pt" } } = options;
  if (!path.endsWith(".safetensors")) throw new TypeError(`Cannot save ${path}: expected an ending of .safetensors`);
  await realizeParams(params);
  const shards = divide(treeEntries<Tensor>(params).map(([key, leaf]) => describe(key, leaf, options)), maxShardBytes);
  if (shards.length === 1) {
    await writeAtomicParts(path, fileOf(shards[0], metadata));
    return [path];
  }
  const stem = path.slice(0, -".safetensors".length), count = `${shards.length}`.padStart(5, "0");
  const written: string[] = [];
  const places: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const file = `${stem}-${`${i + 1}`.padStart(5, "0")}-of-${count}.safetensors`;
    await writeAtomicParts(file, fileOf(shard, metadata));
    written.push(file);
    for (const { key } of shard) places[key] = file.slice(file.lastIndexOf("/") + 1);
  }
  const total = shards.flat().reduce((n, { length }) => n + length, 0);
  const index = { metadata: { total_size: total }, weight_map: places };
  await writeAtomic(`${path}.index.json`, JSON.stringify(index, null, 2) + "\n");
  return [...written, `${path}.index.json`];
}

function describe(key: string, leaf: Tensor, { dtype }: SaveCheckpointOptions): Item {
  const own = STORED[leaf.dtype];
  const stored = own === "F32" || own === "F16" || own === "BF16" ? dtype ?? own : own;
  return { key, dtype: stored, shape: leaf.shape, length: leaf.size * ARRAYS[stored].BYTES_PER_ELEMENT, leaf };
}

/** In the order of the tree, a new file where the next tensor would not fit. */
function divide(items: readonly Item[], most: number): Item[][] {
  const shards: Item[][] = [[]];
  let bytes = 0;
  for (const item of items) {
    if (bytes > 0 && bytes + item.length > most) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(item);
    bytes += item.length;
  }
  return shards.map((shard) => shard.sort(byAlignment));
}

async function* fileOf(
  items: readonly Item[],
  metadata: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  yield serialiseHeader(items, metadata);
  for (let at = 0; at < items.length;) {
    const batch: Item[] = [];
    let bytes = 0;
    do {
      bytes += items[at].length;
      batch.push(items[at++]);
    } while (at < items.length && bytes + items[at].length <= BATCH_BYTES);
    const values = await Promise.all(batch.map(({ leaf }) => leaf.data()));
    for (const [i, { dtype }] of batch.entries()) yield toBytes(values[i], dtype);
  }
}

function toBytes(values: SafetensorsData, dtype: SafetensorsDType): Uint8Array {
  const data = values instanceof Float32Array && dtype === "BF16"
    ? f32ToBf16(values)
    : values instanceof Float32Array && dtype === "F16"
    ? f32ToF16(values)
    : values;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
