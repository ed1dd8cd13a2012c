/**
 * Finding an adapter and opening its device at full capability.
 *
 * @module
 */

import type { AdapterClass, BackendLimits } from "./backend.ts";
import { vulkanOnly } from "./vulkan_only.ts";

/** Wanted where they can be had; a device without them works too. */
const OPTIONAL_FEATURES = [
  "shader-f16",
  "subgroups",
  "timestamp-query",
] as GPUFeatureName[];

/** Every limit that bears on compute. Asked for at the adapter's maximum. */
const COMPUTE_LIMITS = [
  "maxBindingsPerBindGroup",
  "maxStorageBuffersPerShaderStage",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** PCI vendor ids, in decimal as Deno reports them, and browsers' names. */
const INTEGRATED_VENDORS = /^(4203|5045|20803|32902|apple|arm|qualcomm|intel)$/i;

/** The optional features that a device has. */
export function grantedFeatures(device: GPUDevice): ReadonlySet<string> {
  return new Set<string>(
    OPTIONAL_FEATURES.filter((name) => device.features.has(name)),
  );
}

/** An open device and what is known about it. */
export interface OpenDevice {
  /** The device. */
  readonly device: GPUDevice;
  /** The adapter, in words. */
  readonly description: string;
  /** What kind of machine it is. */
  readonly adapterClass: AdapterClass;
  /** Invocations in a subgroup, where there are subgroup operations and all subgroups are of that size. */
  readonly subgroupSize: number | undefined;
}

/**
 * Opens the machine's preferred adapter, or the fallback, which computes in software.
 *
 * @throws {Error} If there is no adapter, with the ways to get one.
 */
export async function openDevice(fallback = false): Promise<OpenDevice> {
  const adapter = await requestAdapter(fallback);
  const { vendor, device: name, description } = adapter.info;
  const words = description || [vendor, name].filter(Boolean).join(" ");
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const device = await requestDevice(adapter, fallback);
  const fixed = device.features.has("subgroups" as GPUFeatureName) && subgroupMinSize === subgroupMaxSize;
  return {
    device,
    subgroupSize: fixed ? subgroupMinSize : undefined,
    description: words || "unnamed adapter",
    adapterClass: classifyAdapter(vendor, words),
  };
}

/** The kind of the machine's preferred adapter, undefined where there is none. */
export async function preferredClass(): Promise<AdapterClass | undefined> {
  vulkanOnly();
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return undefined;
  const { vendor, device, description } = adapter.info;
  return classifyAdapter(vendor, description || [vendor, device].filter(Boolean).join(" "));
}

/**
 * Guesses the kind of an adapter from its vendor and description, for WebGPU
 * does not tell.
 *
 * @example Usage
 * ```ts
 * import { classifyAdapter } from "./webgpu_adapter.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(classifyAdapter("65541", "llvmpipe (LLVM 15.0.6)"), "software");
 * ```
 */
export function classifyAdapter(
  vendor: string,
  description: string,
): AdapterClass {
  if (
    /llvmpipe|lavapipe|swiftshader|softpipe|warp|basic render|\bcpu\b/i
      .test(description)
  ) {
    return "software";
  }
  if (/\barc\b/i.test(description)) return "discrete";
  const integrated =
    /integrated|iris|\buhd\b|\bhd graphics|apple m\d|adreno|mali|radeon(\(tm\))? (vega \d+ )?graphics|tegra/i;
  if (integrated.test(description) || INTEGRATED_VENDORS.test(vendor)) {
    return "integrated";
  }
  return "discrete";
}

/** The limits that planning needs, from those of a device. */
export function backendLimits(limits: GPUSupportedLimits): BackendLimits {
  const words = (bytes: number) => bytes - bytes % 4;
  return {
    maxBuffersPerKernel: Math.min(
      limits.maxStorageBuffersPerShaderStage,
      limits.maxBindingsPerBindGroup,
    ),
    maxBufferBytes: words(limits.maxBufferSize),
    maxBindingBytes: words(Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize)),
    maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxWorkgroupSize: Math.min(
      limits.maxComputeInvocationsPerWorkgroup,
      limits.maxComputeWorkgroupSizeX,
    ),
    maxWorkgroupMemoryBytes: limits.maxComputeWorkgroupStorageSize,
  };
}

async function requestAdapter(fallback: boolean): Promise<GPUAdapter> {
  vulkanOnly();
  const adapter = await globalThis.navigator?.gpu?.requestAdapter({
    powerPreference: "high-performance",
    forceFallbackAdapter: fallback,
  });
  if (adapter) return adapter;
  throw new Error(
    "No WebGPU adapter found: install a driver for your GPU or, to compute " +
      "on the processor, a software one (./setup.sh --tests does it; on Debian " +
      "`apt-get install mesa-vulkan-drivers`)",
  );
}

async function requestDevice(first: GPUAdapter, fallback: boolean): Promise<GPUDevice> {
  // Deno grants subgroups without listing them, so asking is the only test.
  const listed = OPTIONAL_FEATURES.filter((name) => first.features.has(name));
  const asked = OPTIONAL_FEATURES.filter((name) => first.features.has(name) || (name as string) === "subgroups");
  try {
    return await first.requestDevice(descriptor(first, asked));
  } catch {
    // A refused request may use the adapter up.
    const adapter = await requestAdapter(fallback);
    return await adapter.requestDevice(descriptor(adapter, listed));
  }
}

function descriptor(
  adapter: GPUAdapter,
  features: GPUFeatureName[],
): GPUDeviceDescriptor {
  return {
    requiredFeatures: features,
    requiredLimits: Object.fromEntries(
      COMPUTE_LIMITS.map((name) => [name, adapter.limits[name]]),
    ),
  };
}
