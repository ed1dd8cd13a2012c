/**
 * Timing the commands of a program one by one.
 *
 * @module
 */

import type { WebGpuProgram } from "./webgpu_program.ts";

/** Most queries in one set, by WebGPU. */
const QUERIES = 4096;

/** Milliseconds that a command is repeated for where the device has no clock. */
const LOOP_MS = 50;

/** Clocks this far off the host's do not count nanoseconds. */
const OTHER_UNIT = 2;

/** What the host's clock may count beyond the device's work: the wait for its end. */
const WAIT_SECONDS = 0.05;

/**
 * Runs a program once with every command in a pass of its own, and reads the device's clock before and after each.
 *
 * @param device A device with `timestamp-query`.
 * @param program What to run.
 * @returns Seconds of each command.
 */
export async function timestampedSeconds(device: GPUDevice, program: WebGpuProgram): Promise<Float64Array> {
  const queries = 2 * program.length;
  const sets = Array.from({ length: Math.ceil(queries / QUERIES) }, (_, i) => {
    const count = Math.min(QUERIES, queries - i * QUERIES);
    return { count, set: device.createQuerySet({ type: "timestamp", count }) };
  });
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const resolved = device.createBuffer({ size: 8 * queries, usage: QUERY_RESOLVE | COPY_SRC });
  const staging = device.createBuffer({ size: 8 * queries, usage: MAP_READ | COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    program.recordTimed(encoder, (n) => ({ querySet: sets[Math.floor(n / QUERIES)].set, index: n % QUERIES }));
    for (const [i, { set, count }] of sets.entries()) encoder.resolveQuerySet(set, 0, count, resolved, 8 * QUERIES * i);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8 * queries);
    await device.queue.onSubmittedWorkDone();
    const began = performance.now();
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const wall = (performance.now() - began) / 1000;
    const ticks = new BigUint64Array(staging.getMappedRange().slice(0));
    return secondsOf(ticks, wall);
  } finally {
    for (const { set } of sets) set.destroy();
    resolved.destroy();
    staging.destroy();
  }
}

/**
 * Differences of pairs of ticks in seconds. WebGPU's ticks are nanoseconds, but Deno passes on those of the adapter, which
 * may be other ones (83 ns on some): then the time of the whole says how long a tick is.
 */
export function secondsOf(ticks: BigUint64Array, wall: number): Float64Array {
  const span = Number(ticks[ticks.length - 1] - ticks[0]) * 1e-9;
  const isOther = span > wall * OTHER_UNIT || span * OTHER_UNIT < wall - WAIT_SECONDS;
  const scale = isOther && span > 0 ? wall / span : 1;
  return Float64Array.from(
    { length: ticks.length / 2 },
    (_, i) => Math.max(0, Number(ticks[2 * i + 1] - ticks[2 * i])) * 1e-9 * scale,
  );
}

/**
 * Runs every command of a program again and again, for devices without a clock that can be read: slower, and what a
 * command overwrites of its own inputs is overwritten as often.
 *
 * @param device A device.
 * @param program What to run.
 * @returns Seconds of each command.
 */
export async function repeatedSeconds(device: GPUDevice, program: WebGpuProgram): Promise<Float64Array> {
  const run = async (step: number, count: number) => {
    const encoder = device.createCommandEncoder();
    program.recordAgain(encoder, step, count);
    const began = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - began;
  };
  const known = new Map<unknown, number>();
  const seconds = new Float64Array(program.length);
  for (let i = 0; i < seconds.length; i++) {
    const key = program.workOf(i);
    let each = known.get(key);
    if (each === undefined) {
      // One run and many runs wait equally long for their end
      const once = await run(i, 1);
      const estimate = (await run(i, 9) - once) / 8;
      const count = Math.max(1, Math.min(1000, Math.ceil(LOOP_MS / Math.max(estimate, 1e-3))));
      known.set(key, each = Math.max(0, await run(i, count + 1) - once) / count / 1000);
    }
    seconds[i] = each;
  }
  return seconds;
}
