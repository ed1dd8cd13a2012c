/**
 * Runs thousands of compiled steps and of eager realisations that drop all that they make, and prints what is live.
 * Fails if buffers or the process's memory go on growing.
 *
 *     deno task soak [--steps N] [--seconds S]
 *
 * @module
 */
import { assign, compile, type Device, grad, init, key, randn, realize, scalar, type Tensor } from "@dipp/tensor";
import { readFlags } from "./flags.ts";

/** Bytes that process and device may grow by after the first fifth of a phase: when garbage is found is up to chance. */
const MOST_GROWTH = 64 * 2 ** 20;

/** Samples of a phase. */
const SAMPLES = 10;

/** What is live at one moment. */
interface Sample {
  readonly step: number;
  readonly buffers: number;
  readonly bytes: number;
  readonly rss: number;
}

/** A phase: steps that leave nothing behind. */
type Phase = (step: number) => Promise<void>;

/** A training step of a small network, its outputs dropped, its losses read now and then. */
async function compiled(): Promise<Phase> {
  const [w, m] = [randn(key(1), [64, 64]).mul(0.1), randn(key(2), [64, 64]).mul(0)];
  await realize(w, m);
  const step = compile(({ x, lr }: { x: Tensor; lr: Tensor }) => {
    const y = x.matmul(w).tanh();
    const loss = y.sub(x).square().mean();
    const moment = m.mul(0.9).add(grad(loss, [w])[0]);
    assign(m, moment);
    assign(w, w.sub(moment.mul(lr)));
    return { loss, y };
  });
  const x = await randn(key(3), [32, 64]).realize();
  return async (i) => {
    const { loss } = step({ x, lr: scalar(1e-3 / (1 + i)) });
    if (i % 16 === 0) await loss.data();
  };
}

/** A graph that is built, run and dropped. */
async function eager(): Promise<Phase> {
  const x = await randn(key(4), [128, 128]).realize();
  return async (i) => {
    const y = await x.matmul(x).mul(scalar(1 / (1 + i))).realize();
    const z = y.exp().sum(0);
    if (i % 16 === 0) await z.data();
    else await z.realize();
  };
}

async function sample(device: Device, step: number): Promise<Sample> {
  await device.synchronize();
  await device.collect();
  const { liveBuffers, liveBytes, pooledBytes } = device.stats();
  return { step, buffers: liveBuffers, bytes: liveBytes + pooledBytes, rss: Deno.memoryUsage().rss };
}

/** Runs a phase; what grew, in words, or nothing. */
async function soak(name: string, phase: Phase, device: Device, steps: number, seconds: number): Promise<string[]> {
  const samples: Sample[] = [];
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`.padStart(11);
  const began = performance.now();
  let done = 0;
  while (done < steps && performance.now() - began < seconds * 1000) {
    const until = Math.min(steps, done + Math.max(1, Math.ceil(steps / SAMPLES)));
    while (done < until && performance.now() - began < seconds * 1000) await phase(done++);
    const now = await sample(device, done);
    samples.push(now);
    console.log(
      `${name.padEnd(9)} ${`${done}`.padStart(7)}  ${`${now.buffers}`.padStart(5)} buffers  ` +
        `device ${mib(now.bytes)}  process ${mib(now.rss)}`,
    );
  }
  const settled = samples[Math.floor(samples.length / 5)], last = samples.at(-1)!;
  return [
    ...last.buffers > settled.buffers ? [`${name}: ${last.buffers - settled.buffers} buffers more`] : [],
    ...last.bytes > settled.bytes + MOST_GROWTH
      ? [`${name}: ${mib(last.bytes - settled.bytes).trim()} more on the device`]
      : [],
    ...last.rss > settled.rss + MOST_GROWTH
      ? [`${name}: ${mib(last.rss - settled.rss).trim()} more in the process`]
      : [],
  ];
}

const USAGE = `Usage: deno task soak [--steps N] [--seconds S]

Runs N compiled steps and N realisations (10000), each for S seconds at most, and fails if memory goes on growing.`;

const flags = readFlags(Deno.args, USAGE, { string: ["steps", "seconds"] });
const number = (name: "steps" | "seconds", otherwise: number) => {
  const value = flags[name] === undefined ? otherwise : Number(flags[name]);
  if (!(value > 0)) throw new RangeError(`--${name} is ${flags[name]}, expected a positive number`);
  return value;
};
const steps = number("steps", 10_000), seconds = number("seconds", Infinity);
const device = await init();
console.log(`${steps} compiled steps and ${steps} realisations on ${device.name}`);
const grown = [
  ...await soak("compiled", await compiled(), device, steps, seconds),
  ...await soak("eager", await eager(), device, steps, seconds),
];
for (const what of grown) console.error(`Memory grows: ${what}`);
if (grown.length > 0) Deno.exit(1);
console.log("Memory is flat");
