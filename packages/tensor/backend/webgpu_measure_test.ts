import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Command } from "./backend.ts";
import { createWebGpuBackend } from "./webgpu.ts";
import { secondsOf } from "./webgpu_measure.ts";

/** Adds one, `turns` times. */
const counter = (turns: number) => `
@group(0) @binding(0) var<storage, read_write> x: array<f32, 4>;
@compute @workgroup_size(4)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3<u32>) {
  var turns = ${turns}u + group.z;
  while (turns > 0u) { x[i] += 1.0; turns--; }
}`;

Deno.test("measure() runs a program once, and times every command where it stands", async () => {
  const backend = await createWebGpuBackend();
  const [buffer, copy] = [backend.allocate(16), backend.allocate(16)];
  const run = (turns: number, groups: number): Command => ({
    kind: "dispatch",
    pipeline: backend.compile({ code: counter(turns) }, `add ${turns}`, ["read_write"]),
    buffers: [{ buffer, access: "read_write" }],
    workgroups: [groups, 1, 1],
  });
  backend.upload(buffer, new Float32Array(4));
  const toCopy: Command = { kind: "copy", source: buffer, sourceOffset: 0, target: copy, targetOffset: 0, bytes: 16 };
  // More commands than one set of queries can time
  const small = Array.from({ length: 2100 }, () => run(1, 1));
  const seconds = await backend.measure(backend.prepare([run(1, 0), ...small, toCopy, run(100_000, 1)]));
  assertEquals(new Float32Array(await backend.download(copy))[0], 2100);
  assertEquals(new Float32Array(await backend.download(buffer))[0], 102_100);
  assertEquals(seconds.length, 2103);
  assertEquals(seconds[0], 0);
  assert(seconds.every((s) => s >= 0));
  assert(seconds[2102] > 4 * seconds.slice(1, 2101).toSorted()[1050], `${seconds[2102]}`);
  assertEquals((await backend.measure(backend.prepare([]))).length, 0);
  const stale = backend.prepare([toCopy]);
  backend.free(copy);
  await assertRejects(() => backend.measure(stale), TypeError, "was freed");
  backend.destroy();
});

Deno.test("without a clock, measure() repeats each command and tells more work from less", async () => {
  const backend = await createWebGpuBackend({ clock: false });
  const buffer = backend.allocate(16);
  const commands = [10, 100_000].map((turns): Command => ({
    kind: "dispatch",
    pipeline: backend.compile({ code: counter(turns) }, `add ${turns}`, ["read_write"]),
    buffers: [{ buffer, access: "read_write" }],
    workgroups: [1, 1, 1],
  }));
  const [less, more, again] = await backend.measure(backend.prepare([...commands, commands[1]]));
  assert(more > 4 * less, `${more} beside ${less}`);
  assertEquals(again, more);
  backend.destroy();
});

Deno.test("secondsOf() believes nanoseconds, and scales other ticks by the time of the whole", () => {
  const nanoseconds = new BigUint64Array([0n, 200_000_000n, 300_000_000n, 1_000_000_000n]);
  assertAlmostEquals(secondsOf(nanoseconds, 1.01)[1], 0.7, 1e-12);
  const tens = nanoseconds.map((t) => t / 10n);
  assertAlmostEquals(secondsOf(tens, 1)[1], 0.7, 1e-9);
  const fine = nanoseconds.map((t) => t * 24n);
  assertAlmostEquals(secondsOf(fine, 1)[0], 0.2, 1e-9);
});
