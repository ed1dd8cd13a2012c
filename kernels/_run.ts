/** Runs one kernel on the machine's adapter; for tests and benchmarks. */
import type { ElementType } from "./element.ts";
import type { Kernel } from "./kernel.ts";

const WANTED = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupStorageSize",
  "maxStorageBuffersPerShaderStage",
] as const;

const failures: string[] = [];
let shared: Promise<GPUDevice> | undefined;

const BACKEND = "DENO_WEBGPU_BACKEND";

async function open(): Promise<GPUDevice> {
  // Once OpenGL is open, too, a thread that ends late crashes the process (`vulkan_only.ts` of @dipp/tensor)
  const free = Deno.permissions.querySync({ name: "env", variable: BACKEND }).state === "granted";
  if (Deno.build.os === "linux" && free && !Deno.env.has(BACKEND)) Deno.env.set(BACKEND, "vulkan");
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("No WebGPU adapter on this machine");
  const requiredLimits = Object.fromEntries(WANTED.map((name) => [name, adapter.limits[name]]));
  const half = adapter.features.has("shader-f16") ? ["shader-f16" as const] : [];
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  let device: GPUDevice;
  try {
    // Deno grants subgroups without listing them
    device = await adapter.requestDevice({
      requiredLimits,
      requiredFeatures: [...half, "subgroups" as GPUFeatureName],
    });
    if (subgroupMinSize === subgroupMaxSize) subgroupSize = subgroupMinSize;
  } catch {
    device = await adapter.requestDevice({ requiredLimits, requiredFeatures: half });
  }
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    failures.push((event as GPUUncapturedErrorEvent).error.message);
  });
  return device;
}

let subgroupSize: number | undefined;

/** Invocations in a subgroup, where the device has subgroup operations and all its subgroups are of one size. */
export async function subgroup(): Promise<number | undefined> {
  await device();
  return subgroupSize;
}

/** The device, opened once. */
export function device(): Promise<GPUDevice> {
  return shared ??= open();
}

/** A kernel with its buffers: inputs at bindings 0 on, the output last. */
export interface Prepared {
  /** Runs it `times` over and waits; milliseconds. */
  run(times?: number): Promise<number>;
  /** The output. */
  read(): Promise<Float32Array>;
  /** Frees the buffers. */
  dispose(): void;
}

/** Compiles a kernel and uploads its inputs. The output starts as NaN, so that an element never written shows. */
export async function prepare(
  kernel: Kernel,
  inputs: (Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>)[],
  size: number,
): Promise<Prepared> {
  const gpu = await device();
  const module = gpu.createShaderModule({ code: kernel.code });
  const pipeline = gpu.createComputePipeline({
    layout: "auto",
    compute: { module, entryPoint: "main" },
  });
  const buffers = [...inputs, new Float32Array(size).fill(NaN)].map((data) => {
    const buffer = gpu.createBuffer({
      size: data.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST |
        GPUBufferUsage.COPY_SRC,
    });
    gpu.queue.writeBuffer(buffer, 0, data);
    return buffer;
  });
  check();
  const group = gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({
      binding,
      resource: { buffer },
    })),
  });
  return {
    async run(times = 1) {
      const encoder = gpu.createCommandEncoder();
      for (let i = 0; i < times; i++) {
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...kernel.workgroups);
        pass.end();
      }
      const start = performance.now();
      gpu.queue.submit([encoder.finish()]);
      await gpu.queue.onSubmittedWorkDone();
      check();
      return performance.now() - start;
    },
    async read() {
      const staging = gpu.createBuffer({
        size: size * 4,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      const encoder = gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(buffers.at(-1)!, 0, staging, 0, size * 4);
      gpu.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const data = new Float32Array(staging.getMappedRange().slice(0));
      staging.destroy();
      check();
      return data;
    },
    dispose() {
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

/** Throws what WebGPU reported since the last call; an error nobody catches would pass unseen. */
function check(): void {
  if (failures.length) {
    throw new Error(`WebGPU: ${failures.splice(0).join("; ")}`);
  }
}

/** Runs a kernel once and returns its output of `size` elements. */
export async function runKernel(
  kernel: Kernel,
  inputs: (Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>)[],
  size: number,
): Promise<Float32Array> {
  const prepared = await prepare(kernel, inputs, size);
  await prepared.run();
  const output = await prepared.read();
  prepared.dispose();
  return output;
}

/** `size` numbers in [-1, 1), the same for the same seed (mulberry32). */
export function noise(size: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  });
}

/** Numbers as an array of `type` holds them, and the same numbers as they were rounded to fit. */
export function held(
  values: Float32Array<ArrayBuffer>,
  type: ElementType,
): { words: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>; values: Float32Array } {
  if (type === "f32") return { words: values, values };
  const padded = (step: number) => {
    const all = new Float32Array(Math.ceil(values.length / step) * step);
    all.set(values);
    return all;
  };
  if (type === "vec4") return { words: padded(4), values };
  const halves = padded(2);
  if (type === "f16") {
    const rounded = new Float16Array(halves);
    return { words: new Uint16Array(rounded.buffer), values: Float32Array.from(rounded) };
  }
  // Cutting off is a rounding, too
  const words = new Uint16Array(new Uint32Array(halves.buffer).map((b) => b >>> 16));
  return { words, values: new Float32Array(new Uint32Array(words).map((b) => b << 16).buffer) };
}

/** Declaration of the element type of an array. */
export function arrayOf(type: ElementType): string {
  return { f32: "array<f32>", vec4: "array<vec4<f32>>", f16: "array<u32>", bf16: "array<u32>" }[type];
}

/** Largest difference between two arrays, relative to the largest magnitude in `expected`; NaN where one holds NaN. */
export function error(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): number {
  let worst = 0;
  let scale = 1e-30;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) return NaN;
    worst = Math.max(worst, difference);
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return worst / scale;
}
