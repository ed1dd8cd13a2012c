/** Where a tensor's elements lie: on the host until the device needs them, then in a device buffer. */
import type { Backend, BackendBuffer } from "../backend/backend.ts";
import { byteLength } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";

/** Elements of a realised tensor, as 32-bit words. */
export interface Storage {
  /** Words on the host that were not uploaded yet. */
  host?: ArrayBufferView;
  /** Words on the device. */
  buffer?: BackendBuffer;
  /** Device that owns the buffer. */
  backend?: Backend;
  /** Freed by `dispose()`. */
  disposed?: boolean;
}

// Buffers of tensors that nobody can reach any more go back to the pool
const abandoned = new FinalizationRegistry<
  { backend: Backend; buffer: BackendBuffer }
>(({ backend, buffer }) => backend.free(buffer));

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
}

/** The device buffer behind a realised tensor; uploads on first use. */
export function deviceBuffer(tensor: Tensor, backend: Backend): BackendBuffer {
  const { storage } = tensor;
  if (!storage || storage.disposed) {
    throw new TypeError(`Cannot use ${tensor}: its memory was disposed`);
  }
  if (!storage.buffer) {
    const buffer = backend.allocate(byteLength(tensor.dtype, tensor.size));
    backend.upload(buffer, storage.host!);
    adopt(storage, backend, buffer);
  }
  return storage.buffer!;
}

/** Frees a tensor's memory now. */
export function releaseStorage(tensor: Tensor): void {
  const { storage } = tensor;
  if (!storage || storage.disposed) return;
  storage.disposed = true;
  abandoned.unregister(storage);
  if (storage.buffer) storage.backend!.free(storage.buffer);
  delete storage.buffer;
  delete storage.host;
}
