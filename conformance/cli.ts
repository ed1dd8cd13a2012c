/**
 * `deno task conformance DIR [--area NAME] [--case SUBSTRING] [--device NAME] [--json]`: compares dipp with a directory of reference
 * cases.
 *
 * @module
 */

import { DEVICE_NAMES, type DeviceName, init } from "@dipp/tensor";
import { parseArgs } from "@std/cli";
import { AREAS } from "./areas.ts";
import { type CaseRef, discover } from "./discover.ts";
import { areaLines, lineOf, reportOf, summary, toJson } from "./report.ts";
import { type Result, runCase } from "./run.ts";

const USAGE = `Usage: deno task conformance DIR [--area NAME] [--case SUBSTRING] [--device NAME] [--json]

Runs every reference case in DIR and compares what is computed with what is stored.

  --area NAME       only the cases below this folder: unet, objectives/closed_form
  --case SUBSTRING  only the cases with this in their path
  --device NAME     auto, webgpu or wasm
  --json            everything as one JSON object, on the last line

Exits with 1 if a case fails, and if there is none to run.`;

/**
 * Runs the command.
 *
 * @param args Its arguments.
 * @param print Where the lines go.
 * @returns The exit status.
 */
export async function main(args: string[], print: (line: string) => void = console.log): Promise<number> {
  const unknown: string[] = [];
  const options = parseArgs(args, {
    string: ["area", "case", "device"],
    boolean: ["json", "help"],
    unknown: (option) => void (option.startsWith("-") && unknown.push(option)),
  });
  if (options.help) {
    print(USAGE);
    return 0;
  }
  if (unknown.length > 0 || options._.length !== 1) {
    const problem = unknown.length > 0
      ? `unknown option ${unknown[0]}`
      : `expected one directory, got ${options._.length}`;
    console.error(`conformance: ${problem}\n\n${USAGE}`);
    return 1;
  }
  try {
    const cases = select(String(options._[0]), options.area, options.case);
    const { device } = options;
    if (device !== undefined && !DEVICE_NAMES.includes(device as DeviceName)) {
      throw new RangeError(`--device is ${device}, expected one of ${DEVICE_NAMES.join(", ")}`);
    }
    await init(device === undefined ? {} : { device: device as DeviceName });
    const results: Result[] = [];
    for (const ref of cases) {
      const result = await runCase(ref, AREAS);
      results.push(result);
      const line = lineOf(result);
      if (line !== undefined) print(line);
    }
    const report = reportOf(results);
    for (const line of areaLines(report)) print(line);
    print(summary(report));
    if (options.json) print(toJson(report));
    return report.failed === 0 ? 0 : 1;
  } catch (error) {
    console.error(`conformance: ${(error as Error).message}`);
    return 1;
  }
}

/** The cases to run; there has to be one. */
function select(root: string, area?: string, substring = ""): CaseRef[] {
  const all = discover(root.replace(/(?<=.)\/+$/, ""));
  if (all.length === 0) throw new RangeError(`there is no case in ${root}: no case.json, no manifest.json`);
  const some = all.filter(({ path }) =>
    (area === undefined || path.startsWith(`${area}/`)) && path.includes(substring)
  );
  if (some.length > 0) return some;
  const areas = [...new Set(all.map((one) => one.area))].join(", ");
  throw new RangeError(`none of the ${all.length} cases in ${root} is selected; its areas are ${areas}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
