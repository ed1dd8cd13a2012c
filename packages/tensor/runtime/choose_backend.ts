/** Which machine computes: a graphics processor where there is one, else the processor's own vectors and threads. */
import type { Backend } from "../backend/backend.ts";
import { createWasmBackend } from "../backend/wasm.ts";
import { createWebGpuBackend, type WebGpuOptions } from "../backend/webgpu.ts";
import { preferredClass } from "../backend/webgpu_adapter.ts";

/** The kinds of device, `"auto"` being the best that there is. */
export const DEVICE_NAMES = ["auto", "webgpu", "wasm"] as const;

/** A kind of device. */
export type DeviceName = typeof DEVICE_NAMES[number];

/** How to choose and open the device. */
export interface DeviceOptions extends WebGpuOptions {
  /**
   * `"webgpu"`, whatever adapter there is; `"wasm"`, WebAssembly on the processor's cores; or `"auto"`: a graphics
   * processor through WebGPU where there is one, else WebAssembly, never an adapter that computes in software.
   *
   * @default {the environment variable `DIPP_DEVICE`, or "auto"}
   */
  device?: DeviceName;
  /**
   * Threads that WebAssembly computes with; results do not depend on it.
   *
   * @default {the environment variable `DIPP_THREADS`, or all cores}
   */
  threads?: number;
}

/** A backend, and why it is that one. */
export interface ChosenBackend {
  /** The backend. */
  readonly backend: Backend;
  /** The reason, in words. */
  readonly reason: string;
}

/**
 * Opens the device that is asked for.
 *
 * @throws {RangeError} If there is no such kind of device, or no such number of threads.
 * @throws {Error} If WebGPU is asked for and there is no adapter.
 */
export async function chooseBackend(options: DeviceOptions): Promise<ChosenBackend> {
  const asked = options.device ?? environment("DIPP_DEVICE");
  const name = asked ?? "auto";
  if (!DEVICE_NAMES.includes(name as DeviceName)) {
    throw new RangeError(`Cannot compute on device "${name}": expected ${DEVICE_NAMES.join(", ")}`);
  }
  const reason = asked === undefined || name === "auto" ? undefined : "asked for";
  if (name === "webgpu") return { backend: await createWebGpuBackend(options), reason: reason! };
  const given = environment("DIPP_THREADS");
  const threads = options.threads ?? (given === undefined ? undefined : Number(given));
  const wasm = () => createWasmBackend(threads === undefined ? {} : { threads });
  if (name === "wasm") return { backend: await wasm(), reason: reason! };
  const adapter = await preferredClass();
  if (adapter === "discrete" || adapter === "integrated") {
    return { backend: await createWebGpuBackend(options), reason: "there is a graphics processor" };
  }
  const why = adapter === undefined ? "there is no WebGPU adapter" : "the WebGPU adapter computes in software";
  return { backend: await wasm(), reason: why };
}

/** An environment variable that is set and may be read. */
function environment(name: string): string | undefined {
  const { Deno } = globalThis;
  if (Deno?.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
  return Deno.env.get(name) || undefined;
}
