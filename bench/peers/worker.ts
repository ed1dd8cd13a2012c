/**
 * One implementation in a process of its own: takes a command a line, as JSON, and answers each with a line. Its
 * arguments are the adapter, the device and the number of threads.
 *
 * @module
 */
import { count } from "./count.ts";
import type { Answer, Command } from "./process.ts";
import { type Counted, type Implementation, type Job, type Setting, Unsupported } from "./row.ts";
import { deviceRows, rows } from "./rows/mod.ts";

const ADAPTERS: Record<string, string> = {
  "dipp": "./adapters/dipp.ts",
  "dipp-webgpu": "./adapters/dipp.ts",
  "jax-js": "./adapters/jax_js.ts",
  "tfjs": "./adapters/tfjs.ts",
  "ort": "./adapters/ort.ts",
};

/** After a first result that took longer, in milliseconds, there is no second one just to count its dispatches. */
const SLOW_MS = 4000;

/**
 * A warm-up takes at least and at most so long, in milliseconds, and ends after so many runs none of which was faster
 * than those before: engines optimise code once it was called often, and in the background.
 */
const WARM_UP = { least: 400, most: 2000, runs: 8 };

const uncaptured: string[] = [];
let implementation: Implementation;
let watched: GPUDevice | undefined;
let job: Job | undefined;
let perRun = 0;

async function load([adapter, device, threads]: readonly string[]): Promise<Answer> {
  if (!(adapter in ADAPTERS)) throw new RangeError(`There is no adapter "${adapter}"`);
  const setting: Setting = { device: device as Setting["device"], threads: Number(threads) };
  implementation = await (await import(ADAPTERS[adapter])).load(setting);
  watch();
  return { name: implementation.name };
}

/** What was done so far, or since `before` where that is given. */
function counted(before?: Counted): Counted {
  const { dispatches, submits, lastSubmit } = implementation.counted?.() ?? count();
  return {
    dispatches: dispatches - (before?.dispatches ?? 0),
    submits: submits - (before?.submits ?? 0),
    lastSubmit,
  };
}

/** Notes the errors of the device, which may be there only once there is work. */
function watch(): void {
  if (!implementation.device || implementation.device === watched) return;
  watched = implementation.device;
  watched.addEventListener("uncapturederror", (event) => {
    uncaptured.push((event as GPUUncapturedErrorEvent).error.message);
  });
}

async function prepare(name: string, file: string): Promise<Answer> {
  const row = [...rows, ...deviceRows].find((r) => r.name === name)!;
  const inputs = row.inputs();
  const start = performance.now();
  job = await implementation.prepare(row.work, inputs);
  watch();
  const results: Float32Array[] = [];
  let ms = 0, before = counted(), done = before;
  const checked = row.checked ?? 1;
  // The first run may do more than the others do: what one does is counted at a later one
  for (let i = 0; i < Math.max(2, checked); i++) {
    before = counted();
    await job.run();
    await job.wait();
    done = counted(before);
    if (i < checked) results.push(...await job.results());
    ms ||= performance.now() - start;
    if (i + 1 >= checked && ms > SLOW_MS) break;
  }
  const { dispatches, submits } = done;
  perRun = checked > 1 || ms <= SLOW_MS ? dispatches : 0;
  const out = await Deno.open(file, { write: true, create: true, truncate: true });
  const writer = out.writable.getWriter();
  for (const { buffer, byteOffset, byteLength } of results) {
    await writer.write(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  }
  await writer.close();
  return { ms, lengths: results.map((r) => r.length), dispatches, submits };
}

async function warmUp(): Promise<Answer> {
  const start = performance.now();
  let [now, best, since] = [start, Infinity, 0];
  while (now - start < WARM_UP.most && (since < WARM_UP.runs || now - start < WARM_UP.least)) {
    await job!.run();
    await job!.wait();
    const last = now;
    now = performance.now();
    // Noise does not count as getting faster
    since = now - last < 0.97 * best ? 0 : since + 1;
    best = Math.min(best, now - last);
  }
  return { ms: best };
}

async function time(runs: number): Promise<Answer> {
  const before = counted();
  const start = performance.now();
  for (let i = 0; i < runs; i++) await job!.run();
  await job!.wait();
  const ms = performance.now() - start;
  const { dispatches } = counted(before);
  if (dispatches < runs * perRun) {
    throw new Error(`it left work out: ${dispatches} dispatches for ${runs} runs of ${perRun}`);
  }
  return { ms };
}

async function host(runs: number): Promise<Answer> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await job!.run();
    await job!.wait();
    times.push(counted().lastSubmit - start);
  }
  return { host: times };
}

async function answer(command: Command): Promise<Answer> {
  switch (command.do) {
    case "load":
      return await load(Deno.args);
    case "prepare":
      return await prepare(command.row, command.file);
    case "warm up":
      return await warmUp();
    case "time":
      return await time(command.runs);
    case "host":
      return await host(command.runs);
    case "free":
      job?.free();
      job = undefined;
      return {};
  }
}

async function serve(): Promise<void> {
  // Standard output is for answers; libraries that print are heard on standard error
  const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
  console.log = console.info = console.error;
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      let reply: Answer;
      try {
        reply = await answer(JSON.parse(line));
        const error = uncaptured.shift();
        if (error !== undefined) reply = { error };
      } catch (error) {
        const message = error instanceof Error ? error.message : `${error}`;
        reply = { error: message, unsupported: error instanceof Unsupported };
      }
      say(JSON.stringify(reply));
    }
  }
}

if (import.meta.main) await serve();
