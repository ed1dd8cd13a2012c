/**
 * Timing the commands of a program one by one.
 *
 * @module
 */

import type { Backend, BackendBuffer, Command, Program } from "./backend.ts";
import type { WasmProgram } from "./wasm_program.ts";

/** Seconds that a command is repeated for to be measured. */
const MEASURED_SECONDS = 0.01;

/**
 * Runs a program once, and each of its commands many times where it stands: there is no clock inside. What a command
 * writes is put back before it counts.
 *
 * @param backend What made the program.
 * @param program What to run.
 * @returns Seconds of each command.
 */
export async function commandSeconds(backend: Backend, program: WasmProgram): Promise<Float64Array> {
  program.check();
  const times = new Float64Array(program.commands.length);
  for (const [i, command] of program.commands.entries()) {
    const once = backend.prepare([command]) as WasmProgram;
    if (once.length > 0) times[i] = await keeping(backend, once.written, () => repeatedSeconds(backend, once));
    backend.submit(once);
  }
  await backend.synchronize();
  return times;
}

async function repeatedSeconds(backend: Backend, once: Program): Promise<number> {
  const run = async (count: number) => {
    const began = performance.now();
    for (let n = 0; n < count; n++) backend.submit(once);
    await backend.synchronize();
    return (performance.now() - began) / 1000;
  };
  // The first runs are those of code that is not optimised yet
  const first = await run(3);
  const count = Math.max(3, Math.min(1000, Math.ceil(MEASURED_SECONDS * 3 / first)));
  return await run(count) / count;
}

/** Does something, and then gives buffers the content back that they had before. */
async function keeping<T>(backend: Backend, buffers: Iterable<BackendBuffer>, act: () => Promise<T>): Promise<T> {
  const pairs = [...buffers].map((buffer) => ({ buffer, kept: backend.allocate(buffer.bytes) }));
  const copy = (source: BackendBuffer, target: BackendBuffer): Command => {
    return { kind: "copy", source, sourceOffset: 0, target, targetOffset: 0, bytes: source.bytes };
  };
  try {
    backend.submit(backend.prepare(pairs.map(({ buffer, kept }) => copy(buffer, kept))));
    const result = await act();
    backend.submit(backend.prepare(pairs.map(({ buffer, kept }) => copy(kept, buffer))));
    return result;
  } finally {
    for (const { kept } of pairs) backend.free(kept);
  }
}
