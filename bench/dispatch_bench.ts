/**
 * What a dispatch costs: for the processor to record and submit it, alone or
 * with others in one program, and for the device to run it when its kernel does
 * next to nothing.
 *
 *     deno bench bench/dispatch_bench.ts
 *
 * Times are for all dispatches in the name together. Where the wait is not
 * named, the queue is drained after the measurement, not in it. A wait alone
 * takes about 11 ms in Deno.
 *
 * @module
 */

import type { Command } from "../packages/tensor/backend/backend.ts";
import { createWebGpuBackend } from "../packages/tensor/backend/webgpu.ts";

const DISPATCHES = 1000;
const KERNELS = 20;
const OWN_KERNELS = 400;
const BUFFERS = 50;

const backend = await createWebGpuBackend();
console.log(`Adapter: ${backend.description} (${backend.adapterClass})`);

const add = (k: number) =>
  backend.compile(
    {
      code: `@group(0) @binding(0) var<storage, read> x: array<f32, 64>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) { y[i] = x[i] + ${k}.0; }`,
    },
    `add ${k}`,
    ["read", "read_write"],
  );
const pipelines = Array.from({ length: KERNELS }, (_, k) => add(k));
const buffers = Array.from({ length: BUFFERS }, () => backend.allocate(256));

// A chain: every dispatch reads what the one before it wrote.
const commands = Array.from({ length: DISPATCHES }, (_, i): Command => ({
  kind: "dispatch",
  pipeline: pipelines[i % KERNELS],
  buffers: [
    { buffer: buffers[i % BUFFERS], access: "read" },
    { buffer: buffers[(i + 1) % BUFFERS], access: "read_write" },
  ],
  workgroups: [1, 1, 1],
}));
const program = backend.prepare(commands);
// As in a training step, where hardly two dispatches share a kernel or its buffers
const ownBuffers = Array.from({ length: OWN_KERNELS + 1 }, () => backend.allocate(256));
const own = backend.prepare(Array.from({ length: OWN_KERNELS }, (_, i): Command => ({
  kind: "dispatch",
  pipeline: add(KERNELS + i),
  buffers: [{ buffer: ownBuffers[i], access: "read" }, { buffer: ownBuffers[i + 1], access: "read_write" }],
  workgroups: [1, 1, 1],
})));
const singles = commands.map((command) => backend.prepare([command]));
const settings = { group: "dispatch", n: 20, warmup: 3 };

Deno.bench({
  ...settings,
  name: `record and submit ${DISPATCHES} in one program`,
  baseline: true,
  async fn(b) {
    b.start();
    backend.submit(program);
    b.end();
    await backend.synchronize();
  },
});

Deno.bench({
  ...settings,
  name: `record and submit ${OWN_KERNELS} with a kernel and buffers each`,
  async fn(b) {
    b.start();
    backend.submit(own);
    b.end();
    await backend.synchronize();
  },
});

Deno.bench({
  ...settings,
  name: `record and submit ${DISPATCHES} in a program each`,
  async fn(b) {
    b.start();
    for (const single of singles) backend.submit(single);
    b.end();
    await backend.synchronize();
  },
});

Deno.bench({
  ...settings,
  name: `prepare ${DISPATCHES} with cached bind groups`,
  fn() {
    backend.prepare(commands);
  },
});

Deno.bench({
  ...settings,
  name: `submit ${DISPATCHES} in one program and wait`,
  async fn() {
    backend.submit(program);
    await backend.synchronize();
  },
});

Deno.bench({
  ...settings,
  name: "wait for nothing",
  async fn() {
    await backend.synchronize();
  },
});
