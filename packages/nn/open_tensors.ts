/**
 * Checkpoints of any format that dipp knows, in one file or in several.
 *
 * @module
 */

import { openBytes } from "./byte_source.ts";
import { openSafetensors } from "./safetensors_open.ts";
import type { StoredTensor, TensorFile } from "./stored_tensor.ts";
import { openTorch, type OpenTorchOptions } from "./torch/open_torch.ts";

/** Bytes that an index may have. */
const MAX_INDEX_BYTES = 64 * 2 ** 20;

/**
 * Opens a checkpoint by the ending of its name: `.safetensors`; `.bin`, `.pt`, `.pth` and `.ckpt`, which `torch.save`
 * wrote; `.index.json`, which lists the parts of either. Nothing but the description of the tensors is read.
 *
 * @param path the file
 * @param options which part of a PyTorch file is meant
 * @returns the tensors by name, unread; to be disposed of
 * @throws {TypeError} when there is no such file, its ending is not known, or it is not what the format says
 * @throws {RangeError} when a file is truncated, or an offset or a size is wrong
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openTensors, writeSafetensors } from "@dipp/nn";
 *
 * const folder = await Deno.makeTempDir();
 * const a = { dtype: "F32", shape: [1], data: new Float32Array([7]) } as const;
 * await writeSafetensors(`${folder}/model-00001-of-00001.safetensors`, { a });
 * const index = { metadata: {}, weight_map: { a: "model-00001-of-00001.safetensors" } };
 * await Deno.writeTextFile(`${folder}/model.safetensors.index.json`, JSON.stringify(index));
 * using file = await openTensors(`${folder}/model.safetensors.index.json`);
 * assertEquals((await file.tensors.get("a")!.read()).toFloat32(), new Float32Array([7]));
 * ```
 */
export async function openTensors(path: string, options: OpenTorchOptions = {}): Promise<TensorFile> {
  if (path.endsWith(".safetensors")) return await openSafetensors(path);
  if (/\.(bin|pt|pth|ckpt)$/.test(path)) return await openTorch(path, options);
  if (/\.index(\.[^./]+)?\.json$/.test(path)) return await openShards(path, options);
  throw new TypeError(
    `Cannot read ${path}: expected a name that ends in .safetensors, .bin, .pt, .pth, .ckpt or .index.json`,
  );
}

async function openShards(path: string, options: OpenTorchOptions): Promise<TensorFile> {
  const places = await readIndex(path);
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const files = new Map<string, TensorFile>();
  const dispose = () => files.forEach((file) => file[Symbol.dispose]());
  try {
    for (const name of new Set(places.values())) files.set(name, await openTensors(folder + name, options));
    const tensors = new Map<string, StoredTensor>();
    for (const file of files.values()) {
      for (const [key, tensor] of file.tensors) {
        if (tensors.has(key)) throw new RangeError(`Cannot read ${path}: two of its files hold "${key}"`);
        tensors.set(key, tensor);
      }
    }
    for (const [key, name] of places) {
      if (files.get(name)!.tensors.has(key)) continue;
      throw new RangeError(`Cannot read ${path}: it says that "${key}" is in ${name}, which does not hold it`);
    }
    return { name: path, tensors, metadata: {}, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Which file holds which tensor. */
async function readIndex(path: string): Promise<Map<string, string>> {
  using file = await openBytes(path);
  if (file.length > MAX_INDEX_BYTES) {
    throw new RangeError(`Cannot read ${path}: it has ${file.length} bytes, expected at most ${MAX_INDEX_BYTES}`);
  }
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await file.read(0, file.length)));
  } catch (cause) {
    throw new TypeError(`Cannot read ${path}: it is not valid JSON`, { cause });
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map) || Object.keys(map).length === 0) {
    throw new TypeError(`Cannot read ${path}: its weight_map is no object of names and files`);
  }
  for (const [key, name] of Object.entries(map)) {
    // A name beside the index, never a path: an index must not reach other files
    if (typeof name === "string" && /^[^/\\]+\.(safetensors|bin)$/.test(name)) continue;
    throw new TypeError(
      `Cannot read ${path}: "${key}" is in ${JSON.stringify(name)}, expected a file beside it, .safetensors or .bin`,
    );
  }
  return new Map(Object.entries(map));
}
