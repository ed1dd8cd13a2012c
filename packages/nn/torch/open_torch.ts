/**
 * Checkpoints that `torch.save` wrote, read by offset.
 *
 * Source: pytorch, `torch/serialization.py`, the zip format of PyTorch 1.6 and later.
 *
 * @module
 */

import { type ByteSource, openBytes } from "../byte_source.ts";
import { ARRAYS, SafetensorsEntry } from "../safetensors_entry.ts";
import type { StoredTensor, TensorFile } from "../stored_tensor.ts";
import { Dict, PickledTensor, type PickleValue, unpickle } from "./unpickle.ts";
import { zipDirectory, type ZipEntry } from "./zip_directory.ts";

/** Bytes that the description of the tensors may have. */
const MAX_PICKLE_BYTES = 16 * 2 ** 20;

/** How {@linkcode openTorch} finds the tensors. */
export interface OpenTorchOptions {
  /**
   * The entry of the saved dict that holds the parameters, for instance `state_dict`. By default the saved dict itself,
   * or its `state_dict` where it holds no tensors.
   */
  readonly entry?: string;
}

/**
 * Opens a checkpoint of PyTorch (`.bin`, `.pt`, `.pth`) without PyTorch, and without running anything that is in it:
 * the pickle inside may build dicts, lists and numbers, and of everything importable name only `OrderedDict`, the
 * storages and `_rebuild_tensor_v2`. Anything else is refused by its name, so are archives that are compressed and the
 * format of before PyTorch 1.6.
 *
 * @param source a path, or bytes that can be read by offset
 * @param options see {@linkcode OpenTorchOptions}
 * @returns the tensors by name, unread; to be disposed of
 * @throws {TypeError} naming what is refused
 * @throws {RangeError} when the file is truncated, or a tensor is not within its storage
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { memoryBytes, openTorch } from "@dipp/nn";
 *
 * await assertRejects(() => openTorch(memoryBytes(new Uint8Array(8), "a.pth")), TypeError, "no zip archive");
 * ```
 */
export async function openTorch(source: string | ByteSource, options: OpenTorchOptions = {}): Promise<TensorFile> {
  const bytes = typeof source === "string" ? await openBytes(source) : source;
  const { name } = bytes;
  try {
    await refuseOldFormat(bytes);
    const entries = await zipDirectory(bytes);
    const root = findRoot(entries, name);
    await checkByteOrder(bytes, entryAt(entries, `${root}byteorder`));
    const pickle = entryAt(entries, `${root}data.pkl`)!;
    if (pickle.length > MAX_PICKLE_BYTES) {
      throw new RangeError(`its pickle has ${pickle.length} bytes, expected at most ${MAX_PICKLE_BYTES}`);
    }
    const saved = unpickle(await bytes.read(pickle.begin, pickle.begin + pickle.length));
    const tensors = new Map<string, StoredTensor>();
    for (const [key, value] of parameters(saved, options.entry)) {
      if (value instanceof PickledTensor) tensors.set(`${key}`, stored(`${key}`, value, bytes, entries, root));
    }
    return { name, tensors, metadata: {}, [Symbol.dispose]: () => bytes[Symbol.dispose]() };
  } catch (error) {
    bytes[Symbol.dispose]();
    if (!(error instanceof Error) || error.message.startsWith("Cannot read ")) throw error;
    const Kind = error instanceof RangeError ? RangeError : TypeError;
    throw new Kind(`Cannot read ${name}: ${error.message}`, { cause: error });
  }
}

/** Before 1.6, files began with a pickle of a number; a tar archive was older still. */
async function refuseOldFormat(bytes: ByteSource): Promise<void> {
  const [first] = await bytes.read(0, Math.min(1, bytes.length));
  if (first !== 0x80) return;
  throw new TypeError(
    "it is a bare pickle, as PyTorch wrote before version 1.6: expected the zip format, " +
      "which torch.save(torch.load(old), new) of a later version writes",
  );
}

function findRoot(entries: ReadonlyMap<string, ZipEntry>, name: string): string {
  const roots = [...entries.keys()].filter((key) => /^[^/]*\/?data\.pkl$/.test(key))
    .map((key) => key.slice(0, -"data.pkl".length));
  if (roots.length !== 1) {
    throw new TypeError(`Cannot read ${name}: it has ${roots.length} entries data.pkl, expected one: no checkpoint`);
  }
  if (entries.has(`${roots[0]}constants.pkl`)) {
    throw new TypeError(`Cannot read ${name}: it is a TorchScript program, expected a dict of tensors`);
  }
  return roots[0];
}

function entryAt(entries: ReadonlyMap<string, ZipEntry>, key: string): ZipEntry | undefined {
  const entry = entries.get(key);
  if (entry?.refused) throw new TypeError(`entry "${key}" ${entry.refused}`);
  return entry;
}

async function checkByteOrder(bytes: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (!entry) return;
  const order = new TextDecoder().decode(await bytes.read(entry.begin, entry.begin + Math.min(entry.length, 16)));
  if (order !== "little") throw new TypeError(`its byte order is ${JSON.stringify(order)}, expected "little"`);
}

function parameters(saved: PickleValue, entry: string | undefined): ReadonlyMap<string | number, PickleValue> {
  if (!(saved instanceof Dict)) throw new TypeError("it holds no dict of tensors");
  const hasTensors = (dict: Dict) => [...dict.entries.values()].some((value) => value instanceof PickledTensor);
  const key = entry ?? (hasTensors(saved) ? undefined : "state_dict");
  const dict = key === undefined ? saved : saved.entries.get(key);
  if (dict instanceof Dict && hasTensors(dict)) return dict.entries;
  const keys = [...saved.entries.keys()].slice(0, 8).join(", ");
  throw new TypeError(
    key === undefined || entry === undefined
      ? `it holds no dict of tensors, only ${keys || "nothing"}`
      : `its entry "${entry}" is no dict of tensors; there are ${keys}`,
  );
}

function stored(
  key: string,
  tensor: PickledTensor,
  bytes: ByteSource,
  entries: ReadonlyMap<string, ZipEntry>,
  root: string,
): StoredTensor {
  const { storage, offset, shape, strides } = tensor;
  const { dtype } = storage;
  const width = ARRAYS[dtype].BYTES_PER_ELEMENT, size = shape.reduce((n, d) => n * d, 1);
  const place = entryAt(entries, `${root}data/${storage.key}`);
  if (place?.length !== storage.size * width) {
    throw new RangeError(
      `tensor "${key}" lies in a storage of ${storage.size * width} bytes, but data/${storage.key} ` +
        (place ? `has ${place.length}` : "is not there"),
    );
  }
  const part = async (from: number, to: number) =>
    new SafetensorsEntry(dtype, [to - from], await bytes.read(place.begin + from * width, place.begin + to * width));
  const gathered = isContiguous(shape, strides) ? undefined : gatherOnce(tensor, size, part);
  return {
    dtype,
    shape,
    size,
    async read(from = 0, to = size) {
      if (!(0 <= from && from <= to && to <= size)) {
        throw new RangeError(`Cannot read elements ${from} to ${to} of "${key}": it has ${size}`);
      }
      return gathered ? await gathered(from, to) : await part(offset + from, offset + to);
    },
  };
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return shape.includes(0);
    expected *= shape[axis];
  }
  return true;
}

/** Elements of a strided tensor in row-major order; they are kept until the last of them was read. */
function gatherOnce(
  { offset, shape, strides }: PickledTensor,
  size: number,
  part: (from: number, to: number) => Promise<SafetensorsEntry>,
): (from: number, to: number) => Promise<SafetensorsEntry> {
  let kept: SafetensorsEntry | undefined;
  const gather = async () => {
    const span = shape.reduce((n, d, i) => n + (d - 1) * strides[i], 1);
    const source = await part(offset, offset + span);
    const width = source.bytes.length / span;
    const bytes = new Uint8Array(size * width);
    const index = shape.map(() => 0);
    for (let at = 0, from = 0; at < size; at++) {
      for (let b = 0; b < width; b++) bytes[at * width + b] = source.bytes[from * width + b];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += strides[axis];
        if (++index[axis] < shape[axis]) break;
        from -= shape[axis] * strides[axis];
        index[axis] = 0;
      }
    }
    return new SafetensorsEntry(source.dtype, [size], bytes);
  };
  return async (from, to) => {
    const all = kept ??= await gather();
    if (to === size) kept = undefined;
    const width = all.bytes.length / size;
    return new SafetensorsEntry(all.dtype, [to - from], all.bytes.slice(from * width, to * width));
  };
}
