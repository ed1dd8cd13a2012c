// Reads the reference cases under testdata/metrics for this package's tests.

import { assert } from "@std/assert";
import { parseSafetensors, type SafetensorsEntry } from "@dipp/nn";

/** A reference case: tolerances and tensors. */
export interface Golden {
  readonly tolerance: Readonly<Record<string, number>>;
  readonly inputs: ReadonlyMap<string, SafetensorsEntry>;
  readonly outputs: ReadonlyMap<string, SafetensorsEntry>;
}

const ROOT = new URL("../../testdata/metrics/", import.meta.url);

/** Loads testdata/metrics/`name`. */
export function goldenMetric(name: string): Golden {
  const file = (path: string) => new URL(`${name}/${path}`, ROOT);
  const tensors = (path: string) => parseSafetensors(Deno.readFileSync(file(path)), `${name}/${path}`).tensors;
  return {
    tolerance: JSON.parse(Deno.readTextFileSync(file("case.json"))).tolerance.rel,
    inputs: tensors("inputs.safetensors"),
    outputs: tensors("outputs.safetensors"),
  };
}

/** Names of the cases that begin so. */
export function goldenNames(prefix: RegExp): string[] {
  return [...Deno.readDirSync(ROOT)].map((e) => e.name).filter((name) => prefix.test(name)).sort();
}

/** max_i |a_i - b_i| / max(|b_i|, rms(b)), or / 0.01 against zeros. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert(actual.length === expected.length, `${actual.length} elements, expected ${expected.length}`);
  const rms = Math.sqrt(Array.from(expected).reduce((s, x) => s + x * x, 0) / expected.length);
  const errors = Array.from(
    expected,
    (b, i) => Math.abs(actual[i] - b) / (rms === 0 ? 0.01 : Math.max(Math.abs(b), rms)),
  );
  return errors.some(Number.isNaN) ? NaN : Math.max(...errors);
}
