import { checkDescribed, type Entries, readEntries } from "./entries.ts";
import { GoldenCase } from "./golden_case.ts";
import { isObject, readJson } from "./json.ts";

/**
 * Reads a case that is a folder of its own: `case.json`, `outputs.safetensors`, and `weights.safetensors` and
 * `inputs.safetensors` where there are any.
 *
 * @param folder Its folder.
 * @returns The case.
 * @throws {Error} If a file is missing or truncated, or a tensor is not what `case.json` says.
 */
export function readFolderCase(folder: string): GoldenCase {
  const info = readJson(`${folder}/case.json`);
  const described = isObject(info.tensors) ? info.tensors : {};
  const read = (kind: "weights" | "inputs" | "outputs"): Entries => {
    const file = `${folder}/${kind}.safetensors`;
    const expected = described[kind];
    // Some cases have no weights, and say so
    const optional = kind !== "outputs" && !(isObject(expected) && Object.keys(expected).length > 0);
    const entries = optional && !exists(file) ? new Map() : readEntries(file);
    checkDescribed(entries, expected, `the ${kind}`);
    return entries;
  };
  const tolerance = isObject(info.tolerance) ? info.tolerance.rel : undefined;
  if (!isObject(tolerance)) throw new TypeError(`case.json has no bounds "tolerance.rel"`);
  return new GoldenCase({
    info,
    weights: read("weights"),
    inputs: read("inputs"),
    outputs: read("outputs"),
    bounds: tolerance,
    folder,
  });
}

function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
