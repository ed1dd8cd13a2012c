/** Runs WebAssembly kernels on the calling thread; for tests and benchmarks. */
import type { WasmKernel } from "./kernel.ts";
import { buildModule } from "./module.ts";

/** How a kernel is run. */
export interface RunOptions {
  /** Whether its memory is a shared one; false by default. */
  readonly shared?: boolean;
  /** Seed of a shuffle of the tasks within each phase; in order by default. */
  readonly shuffle?: number;
}

/** A kernel with its buffers in memory. */
export interface PreparedKernel {
  /** The buffers' bytes as they are now, in the order given. */
  readonly buffers: readonly Uint8Array[];
  /** Runs every task of each phase. */
  run(): void;
}

/** What a buffer starts with, or the bytes of one that starts as NaN, so that an element never written shows. */
export type Content = number | Float32Array | Uint16Array | Int32Array | Uint32Array | Uint8Array;

const ALIGNMENT = 64;
const SLACK = 64;
const PAGE = 65536;

/**
 * Puts a kernel's buffers into a memory: at multiples of 64, with 64 bytes between them that no one may write. Scratch and
 * shared memory start as NaN.
 */
export function prepareKernel(
  kernel: WasmKernel,
  contents: readonly Content[],
  { shared = false, shuffle }: RunOptions = {},
): PreparedKernel {
  let end = ALIGNMENT;
  const place = (bytes: number) => {
    const at = end;
    end += Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    return { at, bytes };
  };
  const list = place(4 * contents.length);
  const buffers = contents.map((content) => place(typeof content === "number" ? content : content.byteLength));
  const scratch = place(kernel.scratchBytes);
  const common = place(kernel.sharedBytes);
  const pages = Math.ceil(end / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  const bytes = buildModule({
    table: kernel.phases.map(({ entry }) => entry),
    exports: kernel.phases.map(({ entry }) => entry),
    memory: { minimum: pages, maximum: pages, shared },
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const entries = kernel.phases.map(({ entry }) => exports[entry.name] as (...args: number[]) => void);

  const all = new Uint8Array(memory.buffer);
  all.fill(0xff);
  new Uint32Array(memory.buffer, list.at, contents.length).set(buffers.map(({ at }) => at));
  contents.forEach((content, i) => {
    if (typeof content === "number") return;
    all.set(new Uint8Array(content.buffer, content.byteOffset, content.byteLength), buffers[i].at);
  });
  const orders = kernel.phases.map(({ tasks }, phase) => order(tasks, shuffle && shuffle + phase));
  const check = () => {
    for (const { at, bytes } of [...buffers, scratch, common]) {
      if (all.subarray(at + bytes, at + bytes + SLACK).some((byte) => byte !== 0xff)) {
        throw new Error(`Kernel ${kernel.key} wrote behind one of its buffers`);
      }
    }
  };
  return {
    buffers: buffers.map(({ at, bytes }) => all.subarray(at, at + bytes)),
    run() {
      entries.forEach((entry, phase) => {
        for (const task of orders[phase]) entry(task, list.at, scratch.at, common.at);
      });
      check();
    },
  };
}

/** Runs a kernel once; the last buffer as f32. */
export function runWasmKernel(kernel: WasmKernel, contents: readonly Content[], options?: RunOptions): Float32Array {
  const prepared = prepareKernel(kernel, contents, options);
  prepared.run();
  const { buffer, byteOffset, byteLength } = prepared.buffers.at(-1)!;
  return new Float32Array(buffer, byteOffset, byteLength / 4).slice();
}

/** Numbers from 0 to `count` - 1, shuffled where there is a seed. */
function order(count: number, seed: number | undefined): number[] {
  const tasks = Array.from({ length: count }, (_, i) => i);
  if (seed === undefined) return tasks;
  const random = generator(seed);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [tasks[i], tasks[j]] = [tasks[j], tasks[i]];
  }
  return tasks;
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
