/** Measuring a row: results first, then times, taken in turns. */
import { relativeError } from "../../packages/tensor/testing.ts";
import { type Answer, Worker } from "./process.ts";
import type { Row, Setting } from "./row.ts";

/** What one implementation did in a row. */
export interface Cell {
  /** Median time of a run, in milliseconds. */
  readonly ms?: number;
  /** In place of a time: why there is none, in a word or two. */
  readonly mark?: string;
  /** The reason in full. */
  readonly reason?: string;
  /** Dispatches of one run. */
  readonly dispatches?: number;
  /** Submissions of one run. */
  readonly submits?: number;
  /** Median time from the call of a run to the end of its last submission, in milliseconds. */
  readonly hostMs?: number;
  /** Shown behind the time. */
  readonly note?: string;
}

/** One line of the table. */
export interface Line {
  /** The row's name. */
  readonly name: string;
  /** How many times faster than the best peer dipp should be. */
  readonly target: number;
  /** Operations of a run. */
  readonly flops?: number;
  /** One an implementation, by adapter. */
  readonly cells: Readonly<Record<string, Cell>>;
}

/** On what, how long and how often. */
export interface Settings extends Setting {
  /** Rounds, at most. */
  readonly rounds: number;
  /** What a batch of runs should take, so that the wait after it does not count. */
  readonly batchMs: number;
  /** How long the first result may take. */
  readonly limitMs: number;
}

/** A first result that takes longer than this is warm-up enough, in milliseconds. */
const NO_WARM_UP_MS = 4000;

/** The largest error, as `relativeError` has it, that counts as right. */
export const TOLERANCE = 1e-3;

/** The middle value; the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many runs make a batch, and how many batches, for a run that takes so long. */
export function schedule(runMs: number, { rounds, batchMs }: Settings): { runs: number; rounds: number } {
  const runs = Math.max(1, Math.min(50, Math.round(batchMs / runMs)));
  const batch = runs * runMs;
  return { runs, rounds: Math.max(1, Math.min(rounds, Math.ceil(8 * batchMs / batch))) };
}

/** Compares results with the reference's; undefined where they agree. */
export function disagreement(actual: readonly Float32Array[], expected: readonly Float32Array[]): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} results, expected ${expected.length}`;
  for (const [i, values] of actual.entries()) {
    if (values.length !== expected[i].length) {
      return `result ${i} has ${values.length} numbers, expected ${expected[i].length}`;
    }
    const { max, index } = relativeError(values, expected[i]);
    if (max > TOLERANCE) {
      return `result ${i} is ${values[index]} at ${index}, dipp's ${expected[i][index]}: error ${max.toPrecision(2)}`;
    }
  }
}

/** Measures a row; the first worker is the reference that the others are compared with. */
export async function measureRow(row: Row, workers: readonly Worker[], settings: Settings): Promise<Line> {
  const file = await Deno.makeTempFile({ prefix: "dipp-peers-" });
  const cells: Record<string, Cell> = {};
  const ready: { worker: Worker; runs: number; rounds: number; times: number[]; cell: Cell }[] = [];
  let reference: Float32Array[] | undefined;
  try {
    for (const worker of workers) {
      const answer = await worker.ask({ do: "prepare", row: row.name, file }, settings.limitMs);
      let cell = failed(answer);
      if (!cell) {
        const results = await readResults(file, answer.lengths!);
        reference ??= results;
        const reason = disagreement(results, reference);
        if (reason) cell = { mark: "wrong", reason };
      }
      if (!cell) {
        const isSlow = answer.ms! > NO_WARM_UP_MS;
        const { ms, ...rest } = await worker.ask(isSlow ? { do: "time", runs: 1 } : { do: "warm up" });
        cell = failed(rest);
        if (!cell) {
          const { dispatches, submits } = answer;
          const plan = schedule(ms!, settings);
          const times = isSlow ? [ms!] : [];
          ready.push({ worker, ...plan, times, cell: { dispatches, submits } });
        }
      }
      if (cell) cells[worker.adapter] = cell;
    }
    await takeTurns(ready, cells);
    if (row.host) await measureHost(ready, cells);
  } finally {
    await Deno.remove(file);
    for (const { worker } of ready) await worker.ask({ do: "free" });
  }
  return { name: row.name, target: row.target[settings.device], flops: row.flops, cells };
}

async function takeTurns(
  ready: readonly { worker: Worker; runs: number; rounds: number; times: number[]; cell: Cell }[],
  cells: Record<string, Cell>,
): Promise<void> {
  for (let round = 0; ready.some((r) => r.times.length < r.rounds); round++) {
    for (const { worker, runs, rounds, times } of ready) {
      if (times.length >= rounds || cells[worker.adapter]) continue;
      const answer = await worker.ask({ do: "time", runs });
      const failure = failed(answer);
      if (failure) cells[worker.adapter] = failure;
      times.push((answer.ms ?? NaN) / runs);
    }
  }
  for (const { worker, times, cell } of ready) {
    cells[worker.adapter] ??= { ...cell, ms: median(times) };
  }
}

async function measureHost(
  ready: readonly { worker: Worker; times: number[] }[],
  cells: Record<string, Cell>,
): Promise<void> {
  for (const { worker, times } of ready) {
    const runs = Math.max(1, Math.min(9, Math.floor(3000 / median(times))));
    const { host } = await worker.ask({ do: "host", runs });
    if (host) cells[worker.adapter] = { ...cells[worker.adapter], hostMs: median(host) };
  }
}

/** How long a first result may take, in milliseconds. */
const FIRST_LIMIT_MS = 60_000;

/** What kind a first result is: on WebGPU without a shader cache, then with the one that it left. */
function firstTitles(device: Setting["device"]): string[] {
  return device === "webgpu" ? [", no shader cache", ", shader cache"] : [""];
}

/** The names of the lines with a row's first results. */
export function firstNames(row: string, device: Setting["device"]): string[] {
  return firstTitles(device).map((title) => `first result${title}: ${row}`);
}

/** Measures the first result of a row in fresh processes. WebAssembly has no cache of shaders. */
export async function measureFirst(row: Row, adapters: readonly string[], setting: Setting): Promise<Line[]> {
  const names = firstNames(row.name, setting.device);
  const cells: Record<string, Cell>[] = names.map(() => ({}));
  for (const adapter of adapters) {
    const cache = await Deno.makeTempDir({ prefix: "dipp-peers-shaders-" });
    const file = `${cache}.results`;
    for (const found of cells) {
      const worker = new Worker(adapter, setting, { MESA_SHADER_CACHE_DIR: cache, __GL_SHADER_DISK_CACHE_PATH: cache });
      await worker.start();
      const answer = await worker.ask({ do: "prepare", row: row.name, file }, FIRST_LIMIT_MS);
      await worker.stop();
      found[adapter] = failed(answer) ?? { ms: answer.ms };
      if (found[adapter].mark) break;
    }
    await Deno.remove(cache, { recursive: true });
    await Deno.remove(file).catch(() => {});
  }
  return names.map((name, i) => ({ name, target: 1, cells: cells[i] }));
}

function failed({ error, unsupported }: Answer): Cell | undefined {
  if (error === undefined) return undefined;
  if (unsupported) return { mark: "-", reason: error };
  return { mark: error.startsWith("no result") ? "too long" : "failed", reason: error };
}

async function readResults(file: string, lengths: readonly number[]): Promise<Float32Array[]> {
  const { buffer } = await Deno.readFile(file);
  let at = 0;
  return lengths.map((length) => {
    const values = new Float32Array(buffer, at, length);
    at += 4 * length;
    return values;
  });
}
