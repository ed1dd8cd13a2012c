/** The process's device. */
import type { Backend, BackendStats } from "../backend/backend.ts";
import { chooseBackend, type ChosenBackend, type DeviceOptions } from "./choose_backend.ts";
import { collect } from "./reclaim.ts";
import { tensorStats } from "./storage.ts";

/** What is live on a device. What is not behind tensors is kept by compiled functions. */
export interface DeviceStats extends BackendStats {
  /** Tensors with elements on the device. */
  readonly tensors: number;
  /** The bytes of those elements. */
  readonly tensorBytes: number;
}

/** The device that tensors live on, as far as users need to know it. */
export interface Device {
  /** The adapter, in words. */
  readonly name: string;
  /** What runs its kernels: `"webgpu"` or `"wasm"`. */
  readonly backend: string;
  /** Why it is this device. */
  readonly reason: string;
  /** Software, integrated or discrete graphics, or the processor (`"cpu"`). */
  readonly adapterClass: Backend["adapterClass"];
  /** The optional features that the device has: `"shader-f16"`, `"subgroups"`, `"timestamp-query"`. */
  readonly features: ReadonlySet<string>;
  /**
   * Memory and work counters, as of now; they cost nothing. `liveBuffers` back at its old value means that nothing
   * leaked.
   */
  stats(): DeviceStats;
  /** Waits until all submitted work is done (11 ms at least on Deno: not inside a step loop). */
  synchronize(): Promise<void>;
  /**
   * Frees the memory of tensors and compiled functions that nobody can reach any more. `data()` and `realize()` do so by
   * themselves whenever tensors have grown by half a gigabyte; a loop that never awaits gives them no chance.
   */
  collect(): Promise<void>;
}

let current: Backend | undefined;

// An error that nobody waited for ends the process as one that nobody caught
globalThis.addEventListener("unload", () => {
  if (current && !current.lost) current.submit();
});

let starting: Promise<ChosenBackend> | undefined;
let asked: DeviceOptions = {};
let reason = "";

/** The backend, once `init()` or an asynchronous operation has started it. */
export function startedBackend(): Backend {
  if (!current) {
    throw new TypeError(
      "Cannot run a compiled function before the device is ready: await init() first",
    );
  }
  return current;
}

/** The backend, if it was started. */
export function backendIfStarted(): Backend | undefined {
  return current;
}

/** Starts the backend on first use, which options are for. One that was lost is opened anew as it was. */
export async function backend(options: DeviceOptions = asked): Promise<Backend> {
  starting ??= chooseBackend(asked = options);
  try {
    const chosen = await starting;
    reason = chosen.reason;
    return current = chosen.backend;
  } catch (error) {
    starting = undefined;
    throw error;
  }
}

/**
 * Starts the device, once; `data()` and `realize()` do so by themselves, compiled functions need it done before. Called
 * after the device was lost, it opens a new one: compiled functions go on there, tensors that lay on the lost one are
 * gone.
 *
 * @param options Which device; only the first call chooses.
 * @returns The device.
 * @throws {RangeError} If there is no such kind of device.
 * @throws {Error} If WebGPU is asked for and there is no adapter; the message says how to get one.
 *
 * @example What is live
 * ```ts
 * import { init, ones } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const device = await init();
 * const before = device.stats();
 * {
 *   using x = await ones([256, 256]).mul(2).realize();
 *   assertEquals(device.stats().tensors, before.tensors + 1);
 *   assertEquals(device.stats().tensorBytes, before.tensorBytes + 4 * x.size);
 * }
 * assertEquals(device.stats().liveBuffers, before.liveBuffers);
 * ```
 */
export async function init(options?: DeviceOptions): Promise<Device> {
  if (current?.lost) starting = current = undefined;
  const b = await backend(options);
  return {
    name: b.description,
    backend: b.name,
    reason,
    adapterClass: b.adapterClass,
    features: b.features,
    stats: () => ({ ...b.stats(), ...tensorStats(b) }),
    synchronize: () => b.synchronize(),
    collect,
  };
}
