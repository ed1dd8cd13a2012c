/** Inputs to compare implementations on. */
import type { OnnxModel, OnnxValueInfo } from "@dipp/onnx";
import type { HostInput } from "./oracle.ts";

/** What an option says of an input: its shape, and the range of its elements. */
export interface InputSpec {
  /** Lengths of the axes. */
  readonly shape: readonly number[];
  /** Smallest and largest element. */
  readonly range?: readonly [number, number];
}

/**
 * Reads `name=2x3x224x224` or `ids=1x16:0..99`.
 *
 * @param text The option.
 * @returns Name and specification; of a scalar the shape is empty.
 * @throws {SyntaxError} If it is not of this form.
 */
export function parseInput(text: string): [string, InputSpec] {
  const number = "-?[0-9]+(?:\\.[0-9]+)?";
  const match = new RegExp(`^(.+)=((?:[0-9]+(?:[x,][0-9]+)*)?)(?::(${number})\\.\\.(${number}))?$`).exec(text);
  if (!match) throw new SyntaxError(`Input "${text}" is not of the form name=1x3x224x224 or name=1x16:0..99`);
  const [, name, lengths, low, high] = match;
  const shape = lengths === "" ? [] : lengths.split(/[x,]/).map(Number);
  return [name, { shape, ...(low !== undefined && { range: [Number(low), Number(high)] as const }) }];
}

/**
 * Random inputs for a model, the same at every call: real numbers of [-1, 1], integers 0 and 1, unless an option says
 * otherwise. A first axis without a length has length one; others need an option.
 *
 * @param model The model.
 * @param specs What the options say, by name.
 * @throws {RangeError} If an option names no input, or does not fit it, or a length is not known.
 */
export function randomInputs(model: OnnxModel, specs: ReadonlyMap<string, InputSpec>): HostInput[] {
  for (const name of specs.keys()) {
    if (model.inputs.some((i) => i.name === name)) continue;
    const names = model.inputs.map((i) => `"${i.name}"`).join(", ");
    throw new RangeError(`The model has no input "${name}": expected one of ${names}`);
  }
  const next = generator(1);
  return model.inputs.map((info) => {
    const spec = specs.get(info.name);
    const shape = spec?.shape ?? defaultShape(info);
    const isWhole = /int|bool/.test(info.type);
    const [low, high] = spec?.range ?? (isWhole ? [0, 1] : [-1, 1]);
    const size = shape.reduce((a, b) => a * b, 1);
    const draw = () => isWhole ? Math.floor(low + next() * (high - low + 1)) : Math.fround(low + next() * (high - low));
    return { name: info.name, type: info.type, shape, data: Float64Array.from({ length: size }, draw) };
  });
}

function defaultShape({ name, shape }: OnnxValueInfo): number[] {
  const wanted = `Input "${name}" has shape [${shape?.join(", ") ?? "?"}]: give its lengths with --input ${name}=1x...`;
  if (!shape) throw new RangeError(wanted);
  return shape.map((length, axis) => {
    if (typeof length === "string" && axis > 0) throw new RangeError(wanted);
    return typeof length === "string" ? 1 : length;
  });
}

/** Numbers of [0, 1) (Mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}
