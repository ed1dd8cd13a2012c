/**
 * Breaks safetensors and PyTorch files in random ways and reads them. A file either loads or is refused with an error
 * that says why; anything else, a hang or a large allocation among it, is a failure.
 *
 *     deno task fuzz [--cases N] [--seed S] [--case I]
 *
 * @module
 */
import { readFlags } from "./flags.ts";
import { corpus } from "./fuzz/corpus.ts";
import { runCase } from "./fuzz/run_case.ts";
import type { Assignment, Report } from "./fuzz/worker.ts";

const USAGE = `Usage: deno task fuzz [--cases N] [--seed S] [--case I]

Breaks N (20000) small checkpoints at random and reads them. --case repeats one case of a seed, in this thread.`;

/** Milliseconds without a finished case after which one is said to hang. */
const PATIENCE = 20_000;

const flags = readFlags(Deno.args, USAGE, { string: ["cases", "seed", "case"] });
const count = (name: string, otherwise: number) => {
  const value = flags[name] === undefined ? otherwise : Number(flags[name]);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`--${name} is ${flags[name]}, expected a whole number`);
  }
  return value;
};
const cases = count("cases", 20_000), seed = count("seed", 1);

if (flags.case !== undefined) {
  const { kind, message } = await runCase(corpus(), seed, count("case", 0));
  console.log(`case ${flags.case} of seed ${seed} ${kind}${message && `: ${message}`}`);
  Deno.exit(kind === "fails" ? 1 : 0);
}

const at = new SharedArrayBuffer(4), current = new Int32Array(at);
const worker = new Worker(new URL("./fuzz/worker.ts", import.meta.url), { type: "module" });
const began = performance.now();
let failures = 0, before = -1;
const fail = (index: number, message: string) => {
  failures++;
  console.error(`case ${index} of seed ${seed}: ${message}`);
};
const watch = setInterval(() => {
  const now = Atomics.load(current, 0);
  if (now === before) {
    fail(now, `has not ended after ${PATIENCE / 1000} s`);
    Deno.exit(1);
  }
  before = now;
}, PATIENCE);
worker.onmessage = ({ data }: MessageEvent<Report>) => {
  if ("index" in data) return fail(data.index, data.message);
  clearInterval(watch);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${cases} cases of seed ${seed} in ${seconds} s: ${data.loads} load, ${data.refused} are refused, ${failures} fail; ` +
      `the process grew to ${(data.heap / 2 ** 20).toFixed(0)} MiB`,
  );
  Deno.exit(failures > 0 ? 1 : 0);
};
worker.onerror = (event) => {
  fail(Atomics.load(current, 0), `ends the reader: ${event.message}`);
  Deno.exit(1);
};
const assignment: Assignment = { seed, from: 0, to: cases, at };
worker.postMessage(assignment);
