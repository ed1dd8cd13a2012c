/** The process's device. */
import type { Backend, BackendStats } from "../backend/backend.ts";
import { createWebGpuBackend } from "../backend/webgpu.ts";

/** The device that tensors live on, as far as users need to know it. */
export interface Device {
  /** The adapter, in words. */
  readonly name: string;
  /** Software, integrated or discrete. */
  readonly adapterClass: Backend["adapterClass"];
  /** Memory and work counters. */
  stats(): BackendStats;
  /** Waits until all submitted work is done (11 ms at least on Deno: not inside a step loop). */
  synchronize(): Promise<void>;
}

let current: Backend | undefined;
let starting: Promise<Backend> | undefined;

/** The backend, once `init()` or an asynchronous operation has started it. */
export function startedBackend(): Backend {
  if (!current) {
    throw new TypeError(
      "Cannot run a compiled function before the device is ready: await init() first",
    );
  }
  return current;
}

/** Starts the backend on first use. */
export async function backend(): Promise<Backend> {
  starting ??= createWebGpuBackend();
  try {
    return current = await starting;
  } catch (error) {
    starting = undefined;
    throw error;
  }
}

/**
 * Starts the device, once; `data()` and `realize()` do so by themselves, compiled functions need it done before.
 *
 * @returns The device.
 * @throws {Error} If there is no adapter; the message says how to get one.
 */
export async function init(): Promise<Device> {
  const b = await backend();
  return {
    name: b.description,
    adapterClass: b.adapterClass,
    stats: () => b.stats(),
    synchronize: () => b.synchronize(),
  };
}
