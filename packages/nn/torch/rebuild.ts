/**
 * The few callables that describe tensors in PyTorch's pickles, without PyTorch.
 *
 * Source: pytorch, `torch/_utils.py` and `torch/serialization.py`.
 *
 * @module
 */

import type { SafetensorsDType } from "../safetensors_entry.ts";
import { Dict, Global, PickledTensor, type PickleValue, Storage, Tuple } from "./pickle_values.ts";

/** Axes that a tensor may have, as in PyTorch. */
const MAX_AXES = 64;

const STORAGES: Readonly<Record<string, SafetensorsDType>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

const CALLS: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>> = {
  "collections.OrderedDict": orderedDict,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": ([tensor]) => expectTensor(tensor),
};

/**
 * Whether a pickle may name something.
 *
 * @param name module and name
 * @returns whether it is one of the storages and callables that tensors need
 */
export function isKnownGlobal(name: string): boolean {
  return Object.hasOwn(STORAGES, name) || Object.hasOwn(CALLS, name);
}

/**
 * What a call of a known callable stands for.
 *
 * @param callable the callable's name
 * @param args its arguments
 * @returns the value
 * @throws {TypeError} when it is none of the known callables, or the arguments are not theirs
 * @throws {RangeError} when the tensor is not within its storage
 */
export function call(callable: PickleValue, args: readonly PickleValue[]): PickleValue {
  const name = callable instanceof Global ? callable.name : undefined;
  if (name === undefined || !Object.hasOwn(CALLS, name)) {
    throw new TypeError(`its pickle calls ${name ?? "what is no callable"}, expected ${Object.keys(CALLS).join(", ")}`);
  }
  return CALLS[name](args);
}

/**
 * The storage that a persistent id means: `("storage", class, key, device, size)`.
 *
 * @param id the id
 * @returns the storage
 * @throws {TypeError} when the id is of another form
 */
export function persistentStorage(id: PickleValue): Storage {
  if (id instanceof Tuple && id.items.length === 5) {
    const [kind, type, key, device, size] = id.items;
    if (
      kind === "storage" && type instanceof Global && Object.hasOwn(STORAGES, type.name) && typeof key === "string" &&
      typeof device === "string" && isCount(size)
    ) return new Storage(STORAGES[type.name], key, size);
  }
  throw new TypeError(`its pickle holds a persistent id that is no storage of ${Object.keys(STORAGES).join(", ")}`);
}

/** PyTorch calls it without arguments, and sets the items afterwards. */
function orderedDict(args: readonly PickleValue[]): Dict {
  if (args.length > 0) throw wrong("OrderedDict");
  return new Dict();
}

/** `(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`. */
function rebuildTensor(args: readonly PickleValue[]): PickledTensor {
  const [storage, offset, size, stride] = args;
  if (args.length < 6 || args.length > 7 || !(storage instanceof Storage) || !isCount(offset)) {
    throw wrong("_rebuild_tensor_v2");
  }
  const shape = counts(size), strides = counts(stride);
  if (shape.length !== strides.length) throw wrong("_rebuild_tensor_v2");
  const elements = shape.reduce((n, d) => n * d, 1);
  const last = offset + shape.reduce((n, d, i) => n + (d - 1) * strides[i], 0);
  // More elements than the storage has come of strides of zero: a few bytes would stand for any number
  if (elements > storage.size || elements > 0 && last >= storage.size) {
    throw new RangeError(
      `a tensor of shape [${shape.join(", ")}], strides [${strides.join(", ")}] and offset ${offset} is not within ` +
        `its storage of ${storage.size} elements`,
    );
  }
  return new PickledTensor(storage, offset, shape, strides);
}

function counts(value: PickleValue | undefined): readonly number[] {
  if (value instanceof Tuple && value.items.length <= MAX_AXES) {
    const { items } = value;
    if (items.every(isCount)) return items;
  }
  throw wrong("_rebuild_tensor_v2");
}

function expectTensor(value: PickleValue | undefined): PickledTensor {
  if (!(value instanceof PickledTensor)) throw wrong("_rebuild_parameter");
  return value;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function wrong(name: string): TypeError {
  return new TypeError(`its pickle calls ${name} with other arguments than PyTorch does`);
}
