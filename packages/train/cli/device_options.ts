/** The options of commands that say which device computes. */
import { DEVICE_NAMES, type DeviceName, type DeviceOptions } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import type { Options } from "./options.ts";

/** Names of the options, each with a value. */
export const DEVICE_OPTIONS = ["device", "threads"] as const;

/** What a command's help says of them. */
export const DEVICE_HELP =
  `  --device NAME      auto (a graphics processor where there is one, else the processor's cores), webgpu or wasm
  --threads N        threads of wasm (all cores); results do not depend on it`;

/**
 * Reads the options.
 *
 * @param options A command line.
 * @returns What `init` takes.
 * @throws {ConfigError} If there is no such device, or no such number of threads.
 */
export function deviceOptions(options: Options): DeviceOptions {
  const device = options.text("device");
  if (device !== undefined && !DEVICE_NAMES.includes(device as DeviceName)) {
    throw new ConfigError(`--device is ${device}, expected one of ${DEVICE_NAMES.join(", ")}`);
  }
  const threads = options.integer("threads", 1);
  return {
    ...device !== undefined && { device: device as DeviceName },
    ...threads !== undefined && { threads },
  };
}
