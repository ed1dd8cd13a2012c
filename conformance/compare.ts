import { realize, Tensor } from "@dipp/tensor";
import { relativeError } from "@dipp/tensor/testing";
import type { SafetensorsEntry } from "@dipp/nn";
import type { Outputs } from "./area.ts";
import type { GoldenCase } from "./golden_case.ts";

/** How one stored tensor compares with what was computed. */
export interface Comparison {
  /** Its name. */
  readonly tensor: string;
  /** Whether it is within the bound. */
  readonly passed: boolean;
  /** What is wrong where there is no error to speak of: not computed, another shape or dtype. */
  readonly problem?: string;
  /** The largest error, see `relativeError` of `@dipp/tensor/testing`. */
  readonly error?: number;
  /** What is allowed. */
  readonly bound?: number;
  /** Where the largest error is. */
  readonly index?: readonly number[];
  /** What was computed there. */
  readonly got?: number;
  /** What is stored there. */
  readonly expected?: number;
}

/**
 * Compares every stored output of a case with what was computed.
 *
 * @param one The case.
 * @param outputs What was computed.
 * @returns One comparison for each stored output, in the order of the file.
 * @throws {RangeError} If the case stores no outputs.
 */
export async function compare(one: GoldenCase, outputs: Outputs): Promise<Comparison[]> {
  const stored = [...one.outputs];
  if (stored.length === 0) throw new RangeError("the case stores no outputs: there is nothing to compare");
  // One submit for all of a case
  await realize(...stored.map(([name]) => outputs[name]).filter((value) => value instanceof Tensor));
  return await Promise.all(stored.map(async ([name, expected]) => {
    const actual = outputs[name];
    const problem = problemOf(actual, expected);
    if (problem !== undefined) return { tensor: name, passed: false, problem };
    const values = actual instanceof Tensor ? await actual.data() : actual!;
    return compareValues(name, values, expected, one.bounds[name]);
  }));
}

/** What makes two tensors impossible to compare, if anything. */
function problemOf(actual: Outputs[string], expected: SafetensorsEntry): string | undefined {
  if (actual === undefined) return "nothing here computes it";
  if (!(actual instanceof Tensor)) {
    return actual.length === expected.size ? undefined : `it has ${actual.length} values, expected ${expected.size}`;
  }
  if (`${actual.shape}` !== `${expected.shape}`) return `its shape is [${actual.shape}], expected [${expected.shape}]`;
  const wanted = { I32: ["i32"], BOOL: ["bool"], U8: ["i32", "u32"] }[expected.dtype as string] ??
    ["f32", "f16", "bf16"];
  if (!wanted.includes(actual.dtype)) return `its dtype is ${actual.dtype}, expected ${wanted[0]}`;
}

function compareValues(
  tensor: string,
  actual: ArrayLike<number>,
  expected: SafetensorsEntry,
  given: unknown,
): Comparison {
  const exact = /^(I|U|BOOL)/.test(expected.dtype);
  const values = exact ? Int32Array.from(expected.data, Number) : expected.toFloat32();
  const bound = exact ? 0 : given;
  if (typeof bound !== "number") return { tensor, passed: false, problem: "the description gives no bound for it" };
  const { max: error, index } = relativeError(actual, values);
  return {
    tensor,
    passed: error <= bound,
    error,
    bound,
    index: unravel(index, expected.shape),
    got: actual[index],
    expected: values[index],
  };
}

/** The coordinates of an element. */
function unravel(index: number, shape: readonly number[]): number[] {
  return shape.reduceRight<number[]>((coordinates, size) => {
    coordinates.unshift(index % size);
    index = Math.floor(index / size);
    return coordinates;
  }, []);
}
