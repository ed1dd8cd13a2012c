/** Measures where the time of a compiled function goes, kernel by kernel. */
import { byteLength } from "../dtype.ts";
import { kernelFacts } from "../schedule/explanation.ts";
import { profileTable } from "../schedule/profile_table.ts";
import type { Tensor } from "../tensor.ts";
import { type Tree, treeLeaves } from "../tree.ts";
import { startedBackend } from "./device.ts";
import { fillInputs, record, release } from "./record.ts";
import { refuseWhileTracing } from "./trace.ts";

/** The time of all kernels of a plan that do equal work: one label, the same operations, as many of them. */
export interface KernelTime {
  /** The operation that they end with, the one that they are built around, and the shape of what they write. */
  readonly label: string;
  /** What they are built around: "elementwise", "reduce", "matmul", "conv2d", "attention"; "concat" and "state" are copies. */
  readonly kind: string;
  /** Names of the operations computed inside each, inputs before their readers. */
  readonly fused: readonly string[];
  /** How many commands of a step they are. */
  readonly count: number;
  /** Seconds that all of them take in one step, by the device's clock. */
  readonly seconds: number;
  /** The part of the step's time that this is, from 0 to 1. */
  readonly share: number;
  /** Floating-point operations of all of them, as `explain` counts them. */
  readonly flops: number;
  /** Bytes that all of them read and write, as `explain` counts them. */
  readonly bytes: number;
}

/** Options of {@linkcode profile}. */
export interface ProfileOptions {
  /**
   * Runs to time, after one that is not timed.
   *
   * @default {3}
   */
  readonly steps?: number;
}

/** Where the time of a step goes. Printed, it is a table. */
export class Profile {
  /** Kernels that do equal work together, the costliest first. */
  readonly kernels: readonly KernelTime[];
  /** Seconds of all kernels and copies of one step, each timed alone. */
  readonly seconds: number;
  /** Seconds of one step where nothing is timed inside it: with gaps between kernels, without those between passes. */
  readonly stepSeconds: number;

  /**
   * Made by {@linkcode profile}.
   *
   * @param kernels Times, in any order.
   * @param stepSeconds Seconds of one step.
   */
  constructor(kernels: readonly Omit<KernelTime, "share">[], stepSeconds: number) {
    const seconds = kernels.reduce((n, k) => n + k.seconds, 0);
    this.kernels = kernels.toSorted((a, b) => b.seconds - a.seconds).map((k) => ({ ...k, share: k.seconds / seconds }));
    this.seconds = seconds;
    this.stepSeconds = stepSeconds;
  }

  /**
   * The table.
   *
   * @param top Most rows; what is left is summed up in one more.
   */
  toString(top = Infinity): string {
    return profileTable(this.kernels, this.seconds, this.stepSeconds, top);
  }
}

/**
 * Runs what `compile(fn)(inputs)` would run, some times, and measures how long the device takes over each kernel: by its
 * clock where it has `timestamp-query` (the median of the runs), by repeating kernel after kernel elsewhere. `assign`s
 * inside `fn` take effect in every run.
 *
 * @param fn What would be passed to `compile`.
 * @param inputs Its inputs: data, or realised tensors.
 * @param options How often.
 * @returns The times.
 * @throws {TypeError} Before `init()`, inside a function that is traced, or if an input is not there.
 * @throws {RangeError} If `steps` is not a whole number, 1 or more.
 *
 * @example
 * ```ts
 * import { init, ones, profile, type Tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * await init();
 * const x = await ones([64, 64]).realize();
 * const times = await profile(({ x }: { x: Tensor }) => x.matmul(x).relu(), { x });
 * assertEquals(times.kernels.map((k) => k.label), ["relu+matmul [64, 64]"]);
 * console.log(`${times}`);
 * ```
 */
export async function profile<In extends Tree<Tensor>>(
  fn: (inputs: In) => Tree<Tensor>,
  inputs: In,
  { steps = 3 }: ProfileOptions = {},
): Promise<Profile> {
  refuseWhileTracing("profile");
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(`Cannot profile ${steps} steps: expected a whole number, 1 or more`);
  }
  const backend = startedBackend();
  const { recording, description } = record(fn, inputs, backend);
  try {
    const { program } = recording.plan;
    backend.submit(backend.prepare(fillInputs(recording, treeLeaves<Tensor>(inputs))), program);
    await backend.synchronize();
    const runs: Float64Array[] = [];
    for (let i = 0; i < steps; i++) runs.push(await backend.measure(program));
    const began = performance.now();
    for (let i = 0; i < steps; i++) backend.submit(program);
    await backend.synchronize();
    const stepSeconds = (performance.now() - began) / 1000 / steps;

    const seconds = runs[0].map((_, i) => median(runs.map((run) => run[i])));
    const groups = new Map<string, Omit<KernelTime, "share">>();
    const note = (time: Omit<KernelTime, "share">) => {
      const key = [time.label, time.kind, time.fused, time.flops / time.count, time.bytes / time.count].join(";");
      const { count = 0, seconds = 0, flops = 0, bytes = 0 } = groups.get(key) ?? {};
      groups.set(key, {
        ...time,
        count: count + time.count,
        seconds: seconds + time.seconds,
        flops: flops + time.flops,
        bytes: bytes + time.bytes,
      });
    };
    let at = 0;
    const next = (count: number) => seconds.subarray(at, at += count).reduce((n, s) => n + s, 0);
    for (const { label, kind, fused, flops, commands, inputs, output } of kernelFacts(description)) {
      if (commands === 0) continue;
      const bytes = inputs.reduce((n, t) => n + t.bytes, output.bytes);
      note({ label, kind, fused, count: commands, seconds: next(commands), flops, bytes });
    }
    const updates = seconds.length - at;
    if (updates > 0) {
      const bytes = description.assignments.filter((a) => !description.inPlace.has(a.value))
        .reduce((n, { target: t }) => n + 2 * byteLength(t.dtype, t.size), 0);
      note({ label: "new state", kind: "state", fused: [], count: updates, seconds: next(updates), flops: 0, bytes });
    }
    return new Profile([...groups.values()], stepSeconds);
  } finally {
    release(recording);
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
