/**
 * dipp beside jax-js, TensorFlow.js and onnxruntime-web: the same work on the same WebGPU adapter, in one table.
 *
 *     deno task bench:peers [--rows SUBSTRING] [--peers a,b] [--device webgpu] [--rounds N] [--limit SECONDS] [--json]
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
import type { Row } from "./row.ts";
import { rows } from "./rows/mod.ts";
import { hostLines, hostName, table } from "./table.ts";

const DEVICES = ["webgpu"];

const USAGE = `Usage: deno task bench:peers [options]

  --rows SUBSTRING   only the lines with this in their name
  --peers a,b        only these of ${PEERS.join(", ")}; or none
  --device webgpu    the device that all run on
  --rounds N         batches of each (5)
  --limit SECONDS    how long a first result may take (100)
  --json             everything measured, as JSON`;

async function main(args: string[]): Promise<number> {
  const flags = readFlags(args, USAGE, { string: ["rows", "peers", "device", "rounds", "limit"], boolean: ["json"] });
  const text = (name: string, otherwise: string) => flags[name] as string | undefined ?? otherwise;
  const options = {
    rows: text("rows", ""),
    peers: text("peers", PEERS.join(",")),
    device: text("device", "webgpu"),
    rounds: text("rounds", "5"),
    limit: text("limit", "100"),
    json: flags.json === true,
  };
  const adapters = [
    "dipp",
    ...(options.peers === "none" ? "" : options.peers).split(",").filter((name) => name !== ""),
  ];
  const unknown = adapters.find((name) => name !== "dipp" && !PEERS.includes(name));
  if (unknown) return refuse(`--peers has "${unknown}", expected some of ${PEERS.join(", ")}`);
  if (!DEVICES.includes(options.device)) {
    return refuse(`--device is "${options.device}", expected one of ${DEVICES.join(", ")}`);
  }
  const [rounds, limit] = [Number(options.rounds), Number(options.limit)];
  if (!(rounds >= 1)) return refuse(`--rounds is "${options.rounds}", expected a number from 1`);
  if (!(limit > 0)) return refuse(`--limit is "${options.limit}", expected a number of seconds`);
  const isWanted = (name: string) => name.includes(options.rows);
  const hasFirst = (row: Row) => row.first === true && firstNames(row.name).some(isWanted);
  const chosen = rows.filter((row) => isWanted(row.name) || row.host && isWanted(hostName(row.name)) || hasFirst(row));
  if (chosen.length === 0) return refuse(`--rows "${options.rows}" is in the name of no row`);
  const settings: Settings = { rounds, batchMs: 200, limitMs: 1000 * limit };

  const lines: Line[] = [];
  const names: Record<string, string> = {};
  const workers: Worker[] = [];
  try {
    for (const adapter of adapters) {
      const worker = new Worker(adapter);
      workers.push(worker);
      const { name, error } = await worker.start();
      if (adapter === "dipp" && error) return refuse(error);
      if (error) console.error(`${adapter} is left out: ${error}`);
      if (name) names[adapter] = name;
    }
    const present = workers.filter((worker) => worker.adapter in names);
    for (const row of chosen) {
      console.error(row.name);
      lines.push(await measureRow(row, present, settings));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  const first: Line[] = [];
  for (const row of chosen.filter(hasFirst)) {
    console.error(`first result of ${row.name}`);
    const able = Object.keys(names).filter((a) => lines.find((l) => l.name === row.name)?.cells[a].ms !== undefined);
    first.push(...await measureFirst(row, able));
  }
  const all = [...lines, ...hostLines(lines), ...first].filter((line) => isWanted(line.name));
  console.log(options.json ? JSON.stringify({ names, lines: all }) : table(all, names));
  return 0;
}

function refuse(message: string): number {
  console.error(message);
  return 2;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
