/** `dipp train --dry-run`. */
import { type Device, init } from "@dipp/tensor";
import type { Config } from "../config/schema.ts";
import { dryRun } from "../dry_run/dry_run.ts";
import { measureFlopRate } from "../dry_run/flop_rate.ts";
import { parseBytes, parseRate } from "../dry_run/quantities.ts";
import { dryRunReport } from "../dry_run/report.ts";
import { savings } from "../dry_run/savings.ts";
import type { Options } from "./options.ts";

/** Options of a dry run, each with a value. */
export const DRY_RUN_OPTIONS = ["memory", "rate"] as const;

/** What `train --help` says of it. */
export const DRY_RUN_HELP =
  `  --dry-run          plan a step and print parameters, operations, memory and expected speed, and what to change if it
                     does not fit; needs no weights and no graphics processor, and trains nothing
  --memory AMOUNT    memory to fit into, for instance 80GiB (wasm: 4GiB; WebGPU does not tell)
  --rate RATE        operations a second to expect, for instance 30TFLOP/s (measured on this device)`;

/** What WebAssembly addresses. */
const WASM_MEMORY = 2 ** 32;

/**
 * Plans a training and prints what it would take.
 *
 * @param config A complete configuration.
 * @param options The command line's.
 * @returns The exit code.
 */
export async function dryRunCommand(config: Config, options: Options): Promise<number> {
  const [memory, rateText] = [options.text("memory"), options.text("rate")];
  const given = memory === undefined ? undefined : parseBytes("--memory", memory);
  const givenRate = rateText === undefined ? undefined : parseRate("--rate", rateText);
  const device = await init();
  const run = await dryRun(config);
  const [memoryBytes, memorySource] = given === undefined ? ofDevice(device) : [given, "--memory"] as const;
  const isTooMuch = memoryBytes !== undefined && run.peakBytes > memoryBytes;
  const changes = isTooMuch ? await savings(config, run.peakBytes, memoryBytes) : [];
  const rate = givenRate ?? await measureFlopRate(device);
  const rateSource = givenRate === undefined ? `products and convolutions, measured on ${device.name}` : "--rate";
  console.log(dryRunReport(run, { memoryBytes, memorySource, rate, rateSource, savings: changes }));
  if (options.has("json")) {
    const { device: _, ...plan } = run;
    const fits = memoryBytes === undefined ? null : !isTooMuch;
    console.log(
      JSON.stringify({ ...plan, memoryBytes, fits, savings: changes, rate, stepSeconds: run.meanFlops / rate }),
    );
  }
  return 0;
}

function ofDevice({ backend, name }: Device): readonly [bytes: number | undefined, source: string] {
  if (backend === "wasm") return [WASM_MEMORY, "what WebAssembly addresses; --memory 80GiB asks for another device"];
  return [undefined, `WebGPU does not tell how much ${name} has; --memory 80GiB says so`];
}
