/**
 * dipp beside jax-js, TensorFlow.js and onnxruntime-web: the same work on the same WebGPU adapter, or in WebAssembly with
 * as many threads, in one table. In WebAssembly, a second table compares training steps with those on WebGPU.
 *
 *     deno task bench:peers [--rows SUBSTRING] [--peers a,b] [--device webgpu|wasm] [--threads N] [--json]
 *
 * Every implementation runs in a process of its own, and they take turns, so that whatever disturbs the machine
 * disturbs all. A time counts only if the results agree with dipp's; it is the median of several batches of runs with
 * one wait each, after a warm-up. The peers are npm packages that `peers.json` pins; the first run downloads them.
 *
 * @module
 */
import { readFlags } from "../../tools/flags.ts";
import { firstNames, type Line, measureFirst, measureRow, type Settings } from "./measure.ts";
import { PEERS, Worker } from "./process.ts";
import type { Row, Setting } from "./row.ts";
import { deviceRows, rows } from "./rows/mod.ts";
import { hostLines, hostName, table } from "./table.ts";

const DEVICES = ["webgpu", "wasm"] as const;

const USAGE = `Usage: deno task bench:peers [options]

  --rows SUBSTRING   only the lines with this in their name
  --peers a,b        only these of ${PEERS.join(", ")}; or none
  --device NAME      what all run on: ${DEVICES.join(" or ")} (${DEVICES[0]})
  --threads N        threads of each in WebAssembly (all cores)
  --rounds N         batches of each (5)
  --limit SECONDS    how long a first result may take (100)
  --json             everything measured, as JSON`;

async function main(args: string[]): Promise<number> {
  const string = ["rows", "peers", "device", "threads", "rounds", "limit"];
  const flags = readFlags(args, USAGE, { string, boolean: ["json"] });
  const text = (name: string, otherwise: string) => flags[name] as string | undefined ?? otherwise;
  const peers = text("peers", PEERS.join(","));
  const adapters = (peers === "none" ? "" : peers).split(",").filter((name) => name !== "");
  const unknown = adapters.find((name) => !PEERS.includes(name));
  if (unknown) return refuse(`--peers has "${unknown}", expected some of ${PEERS.join(", ")}`);
  const device = DEVICES.find((name) => name === text("device", DEVICES[0]));
  if (!device) return refuse(`--device is "${flags.device}", expected one of ${DEVICES.join(", ")}`);
  const threads = Number(text("threads", `${navigator.hardwareConcurrency}`));
  if (!Number.isInteger(threads) || threads < 1) {
    return refuse(`--threads is "${flags.threads}", expected a whole number from 1`);
  }
  const rounds = Number(text("rounds", "5"));
  if (!(rounds >= 1)) return refuse(`--rounds is "${flags.rounds}", expected a number from 1`);
  const limit = Number(text("limit", "100"));
  if (!(limit > 0)) return refuse(`--limit is "${flags.limit}", expected a number of seconds`);
  const setting: Setting = { device, threads };
  const settings: Settings = { ...setting, rounds, batchMs: 200, limitMs: 1000 * limit };
  const isWanted = (name: string) => name.includes(text("rows", ""));
  const hasFirst = (row: Row) => row.first === true && firstNames(row.name, device).some(isWanted);
  const chosen = rows.filter((row) => isWanted(row.name) || row.host && isWanted(hostName(row.name)) || hasFirst(row));
  const compared = device === "wasm" ? deviceRows.filter((row) => isWanted(row.name)) : [];
  if (chosen.length + compared.length === 0) return refuse(`--rows "${flags.rows}" is in the name of no row`);

  const reports: object[] = [];
  if (chosen.length > 0) {
    const workers = ["dipp", ...adapters].map((adapter) => new Worker(adapter, setting));
    const { names, lines } = await measure(chosen, workers, settings);
    const first: Line[] = [];
    for (const row of chosen.filter(hasFirst)) {
      console.error(`first result of ${row.name}`);
      const cells = lines.find((line) => line.name === row.name)!.cells;
      const able = Object.keys(names).filter((adapter) => cells[adapter].ms !== undefined);
      first.push(...await measureFirst(row, able, setting));
    }
    const all = [...lines, ...hostLines(lines), ...first].filter((line) => isWanted(line.name));
    if (!flags.json) console.log(table(all, names));
    reports.push({ names, lines: all });
  }
  if (compared.length > 0) {
    const workers = [new Worker("dipp", setting), new Worker("dipp-webgpu", { ...setting, device: "webgpu" })];
    const { names, lines } = await measure(compared, workers, settings);
    for (const adapter of Object.keys(names)) names[adapter] += adapter === "dipp" ? ", WebAssembly" : ", WebGPU";
    if (!flags.json) console.log(`\n${table(lines, names, "WebGPU / WebAssembly")}`);
    reports.push({ names, lines });
  }
  if (flags.json) console.log(JSON.stringify({ setting, reports }));
  return 0;
}

/** Measures rows on those that start; the first must. */
async function measure(
  rows: readonly Row[],
  workers: readonly Worker[],
  settings: Settings,
): Promise<{ names: Record<string, string>; lines: Line[] }> {
  const names: Record<string, string> = {};
  const lines: Line[] = [];
  try {
    for (const worker of workers) {
      const { name, error } = await worker.start();
      if (worker === workers[0] && error) throw new Error(error);
      if (error) console.error(`${worker.adapter} is left out: ${error}`);
      if (name) names[worker.adapter] = name;
    }
    const present = workers.filter((worker) => worker.adapter in names);
    for (const row of rows) {
      console.error(row.name);
      lines.push(await measureRow(row, present, settings));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  return { names, lines };
}

function refuse(message: string): number {
  console.error(message);
  return 2;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
