/**
 * What tests of the engine need of the device: that its errors fail the test which causes them, and what is left of
 * its memory.
 *
 * @module
 */

import { backendIfStarted, init } from "./runtime/device.ts";

/**
 * From here on every test of the file fails if the device reports an error that nobody has waited for. (At the end of
 * the process such an error is thrown in any case, but not in the test that it belongs to.)
 */
export function guardDevice(): void {
  Deno.test.afterEach(async () => {
    // Errors are reported in a task of their own
    await new Promise((resolve) => setTimeout(resolve, 0));
    const backend = backendIfStarted();
    if (backend && !backend.lost) backend.submit();
  });
}

/**
 * Counts the buffers that a piece of work leaves alive. Exact where the work disposes of what it makes; what it drops
 * is counted until the garbage collector has seen it.
 *
 * @param work What to do.
 * @returns Buffers alive after it and not before it.
 */
export async function buffersLeft(work: () => void | Promise<void>): Promise<number> {
  const device = await init();
  const before = device.stats().liveBuffers;
  await work();
  return device.stats().liveBuffers - before;
}
