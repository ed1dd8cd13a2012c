// Reads the reference cases under testdata/ for this package's tests.

import { assert } from "@std/assert";
import { parseSafetensors } from "./safetensors_parse.ts";
import type { SafetensorsEntry } from "./safetensors_entry.ts";

/** A reference case: its description and its tensors. */
export interface GoldenCase<Config = unknown> {
  readonly id: string;
  /** The settings of the case, as its case.json has them. */
  readonly config: Config;
  readonly tolerance: Readonly<Record<string, number>>;
  readonly weights: Map<string, SafetensorsEntry>;
  readonly inputs: Map<string, SafetensorsEntry>;
  readonly outputs: Map<string, SafetensorsEntry>;
}

const ROOT = new URL("../../testdata/", import.meta.url);

/** Loads testdata/`area`/`name`. */
export function goldenCase<Config>(
  area: string,
  name: string,
): GoldenCase<Config> {
  const folder = new URL(`${area}/${name}/`, ROOT);
  const info = JSON.parse(
    Deno.readTextFileSync(new URL("case.json", folder)),
  );
  const read = (file: string) => {
    try {
      const bytes = Deno.readFileSync(new URL(`${file}.safetensors`, folder));
      return parseSafetensors(bytes, `${info.id}/${file}`).tensors;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Map();
      throw error;
    }
  };
  return {
    id: info.id,
    config: info.config,
    tolerance: info.tolerance.rel,
    weights: read("weights"),
    inputs: read("inputs"),
    outputs: read("outputs"),
  };
}

/** The names of the cases in an area that begin with `prefix`. */
export function goldenNames(area: string, prefix: RegExp): string[] {
  return [...Deno.readDirSync(new URL(`${area}/`, ROOT))]
    .map((entry) => entry.name).filter((name) => prefix.test(name)).sort();
}

/** max_i |a_i - b_i| / max(|b_i|, rms(b)), the metric of the references. */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): number {
  assert(
    actual.length === expected.length,
    `${actual.length} elements, expected ${expected.length}`,
  );
  let squares = 0;
  for (let i = 0; i < expected.length; i++) squares += expected[i] ** 2;
  const rms = Math.sqrt(squares / expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const scale = rms === 0 ? 0.01 : Math.max(Math.abs(expected[i]), rms);
    const error = Math.abs(actual[i] - expected[i]) / scale;
    if (!(error <= worst)) worst = error;
    if (Number.isNaN(error)) return NaN;
  }
  return worst;
}

/** Asserts that all outputs are there and within the case's tolerance. */
export function assertGolden(
  golden: GoldenCase,
  actual: ReadonlyMap<string, ArrayLike<number>>,
): void {
  for (const [name, expected] of golden.outputs) {
    const values = actual.get(name);
    assert(values !== undefined, `${golden.id}: "${name}" is not compared`);
    const error = relativeError(values, expected.toFloat32());
    assert(
      error <= golden.tolerance[name],
      `${golden.id}: error of ${name} is ${error}, expected at most ` +
        `${golden.tolerance[name]}`,
    );
  }
}
