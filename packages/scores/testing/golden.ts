// Reads the reference cases under testdata/ for this package's tests.

import { assert } from "@std/assert";
import { parseSafetensors, type SafetensorsEntry } from "@dipp/nn";
import { type Tensor, tensor } from "@dipp/tensor";

/** A reference case: its description and its tensors. */
export interface GoldenCase {
  // deno-lint-ignore no-explicit-any -- each kind of case has its own fields
  readonly info: any;
  readonly weights: ReadonlyMap<string, SafetensorsEntry>;
  readonly inputs: ReadonlyMap<string, SafetensorsEntry>;
  readonly outputs: ReadonlyMap<string, SafetensorsEntry>;
}

/** Where the cases are; a full run over another folder sets GOLDENS. */
const ROOT = new URL("../../../testdata/", import.meta.url);

/** Loads testdata/`id`. */
export function goldenCase(id: string): GoldenCase {
  const folder = new URL(`${id}/`, ROOT);
  const read = (file: string) => {
    try {
      const bytes = Deno.readFileSync(new URL(`${file}.safetensors`, folder));
      return parseSafetensors(bytes, `${id}/${file}`).tensors;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Map();
      throw error;
    }
  };
  return {
    info: JSON.parse(Deno.readTextFileSync(new URL("case.json", folder))),
    weights: read("weights"),
    inputs: read("inputs"),
    outputs: read("outputs"),
  };
}

/** The cases of an area whose name matches, as ids. */
export function goldenIds(area: string, pattern: RegExp = /./): string[] {
  return [...Deno.readDirSync(new URL(`${area}/`, ROOT))].filter((e) => pattern.test(e.name))
    .map((e) => `${area}/${e.name}`).sort();
}

/** A stored tensor as a tensor of the engine. */
export function load(entry: SafetensorsEntry): Tensor {
  const shape = [...entry.shape];
  if (entry.dtype === "I32") return tensor(entry.data as Int32Array, shape, "i32");
  if (entry.dtype === "BOOL") return tensor(entry.data as Uint8Array, shape, "bool");
  return tensor(entry.toFloat32(), shape);
}

/** max_i |a_i - b_i| / max(|b_i|, rms(b)), the metric of the references. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert(actual.length === expected.length, `${actual.length} elements, expected ${expected.length}`);
  const values = Array.from(expected);
  const rms = Math.sqrt(values.reduce((sum, b) => sum + b * b, 0) / values.length);
  return values.reduce((worst, b, i) => {
    const error = Math.abs(actual[i] - b) / (rms === 0 ? 0.01 : Math.max(Math.abs(b), rms));
    return error <= worst ? worst : error; // keeps a NaN
  }, 0);
}

/** Asserts every named output against the case's tolerance; returns the worst error. */
export async function assertGolden(
  golden: GoldenCase,
  actual: Readonly<Record<string, Tensor | ArrayLike<number>>>,
): Promise<number> {
  let worst = 0;
  for (const [name, value] of Object.entries(actual)) {
    const expected = golden.outputs.get(name);
    assert(expected, `${golden.info.id} has no output "${name}"`);
    const values = "data" in value ? await value.data() : value;
    const error = relativeError(values, expected.toFloat32());
    const tolerance = golden.info.tolerance.rel[name];
    assert(
      error <= tolerance,
      `${golden.info.id}: error of ${name} is ${error}, expected at most ${tolerance}`,
    );
    if (Deno.env.get("DIPP_SHOW_ERRORS")) console.log(`${golden.info.id} ${name} ${error}`);
    worst = Math.max(worst, error);
  }
  return worst;
}
