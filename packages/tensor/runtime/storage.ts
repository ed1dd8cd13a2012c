/** Where a tensor's elements lie: on the host until the device needs them, then in a device buffer. */
import type { Backend, BackendBuffer } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { disowned, owned } from "./reclaim.ts";

/** Elements of a realised tensor, as 32-bit words. */
export interface Storage {
  /** Words on the host that were not uploaded yet. */
  host?: ArrayBufferView;
  /** Words on the device. */
  buffer?: BackendBuffer;
  /** Device that owns the buffer. */
  backend?: Backend;
  /** Why there are no elements any more. */
  gone?: string;
}

/** Device memory of one tensor. */
interface Held {
  readonly backend: Backend;
  readonly buffer: BackendBuffer;
}

const held = new WeakMap<Backend, { tensors: number; tensorBytes: number }>();

// Buffers of tensors that nobody can reach any more go back to the pool
const abandoned = new FinalizationRegistry<Held>(giveBack);

/** What tensors hold of a device. */
export function tensorStats(backend: Backend): { tensors: number; tensorBytes: number } {
  return { tensors: 0, tensorBytes: 0, ...held.get(backend) };
}

/** Ties a device buffer to a storage's lifetime. */
export function adopt(
  storage: Storage,
  backend: Backend,
  buffer: BackendBuffer,
): void {
  storage.backend = backend;
  storage.buffer = buffer;
  delete storage.host;
  abandoned.register(storage, { backend, buffer }, storage);
  const counts = held.get(backend) ?? { tensors: 0, tensorBytes: 0 };
  counts.tensors++;
  counts.tensorBytes += buffer.bytes;
  held.set(backend, counts);
  owned(buffer.bytes);
}

function giveBack({ backend, buffer }: Held): void {
  const counts = held.get(backend)!;
  counts.tensors--;
  counts.tensorBytes -= buffer.bytes;
  disowned(buffer.bytes);
  backend.free(buffer);
}

/**
 * The device buffer behind a realised tensor; uploads on first use.
 *
 * @throws {TypeError} If the tensor has no elements on this device: disposed, lost with its device, or on another one.
 */
export function deviceBuffer(tensor: Tensor, backend: Backend): BackendBuffer {
  const { storage } = tensor;
  if (storage?.buffer && storage.backend === backend) return storage.buffer;
  if (!storage?.host) throw new TypeError(`Cannot use ${tensor}: ${whyNot(storage)}`);
  const buffer = backend.allocate(byteLength(tensor.dtype, tensor.size), tensor);
  try {
    backend.upload(buffer, storage.host);
  } catch (error) {
    backend.free(buffer);
    throw error;
  }
  adopt(storage, backend, buffer);
  return buffer;
}

function whyNot(storage: Storage | undefined): string {
  if (storage?.gone) return storage.gone;
  if (storage?.backend?.lost) return "it lay on a device that was lost; make it again from data";
  if (storage?.backend) return "it lies on another device";
  return "it stands for an input of a function that is traced, or for what is only planned, and has no elements";
}

/** Frees a tensor's memory now; using it afterwards is an error. */
export function releaseStorage(tensor: Tensor): void {
  const storage = tensor.storage ??= {};
  if (storage.gone) return;
  storage.gone = "it was disposed; what depends on it has to be computed before";
  abandoned.unregister(storage);
  const { backend, buffer } = storage;
  delete storage.buffer;
  delete storage.host;
  if (buffer) giveBack({ backend: backend!, buffer });
}

/** Undoes what `adopt` did: the tensor is to be computed again. */
export function withdraw(tensor: Tensor): void {
  const { storage } = tensor;
  tensor.storage = undefined;
  if (!storage?.buffer) return;
  abandoned.unregister(storage);
  giveBack({ backend: storage.backend!, buffer: storage.buffer });
}
