/** Inputs to compare implementations on. */
import { readImage } from "@dipp/train";
import type { OnnxModel, OnnxValueInfo } from "@dipp/onnx";
import type { HostInput } from "./oracle.ts";

/** What an option says of an input: its shape or a picture, and the range of its elements. */
export interface InputSpec {
  /** Lengths of the axes. */
  readonly shape?: readonly number[];
  /** Path of a picture, which becomes [1, 3, H, W]. */
  readonly picture?: string;
  /** Smallest and largest element; of a picture, what black and white become. */
  readonly range?: readonly [number, number];
}

/**
 * Reads `name=2x3x224x224`, `ids=1x16:0..99` or `image=cat.png:-1..1`.
 *
 * @param text The option.
 * @returns Name and specification; of a scalar the shape is empty.
 * @throws {SyntaxError} If it is not of this form.
 */
export function parseInput(text: string): [string, InputSpec] {
  const number = "-?[0-9]+(?:\\.[0-9]+)?";
  const match = new RegExp(`^([^=]+)=(.*?)(?::(${number})\\.\\.(${number}))?$`).exec(text);
  const [, name, value, low, high] = match ?? ["", "", "?"];
  const range = low === undefined ? {} : { range: [Number(low), Number(high)] as const };
  if (/\.(png|jpe?g|webp)$/i.test(value)) return [name, { picture: value, ...range }];
  if (!/^([0-9]+([x,][0-9]+)*)?$/.test(value)) {
    const forms = "name=1x3x224x224, name=1x16:0..99 or name=picture.png:-1..1";
    throw new SyntaxError(`Input "${text}" is not of the form ${forms}`);
  }
  return [name, { shape: value === "" ? [] : value.split(/[x,]/).map(Number), ...range }];
}

/**
 * Inputs for a model, the same at every call: random real numbers of [-1, 1], integers 0 and 1, unless an option says
 * otherwise. A first axis without a length has length one; others need an option.
 *
 * @param model The model.
 * @param specs What the options say, by name.
 * @throws {RangeError} If an option names no input, or does not fit it, or a length is not known.
 */
export async function makeInputs(
  model: Pick<OnnxModel, "inputs">,
  specs: ReadonlyMap<string, InputSpec>,
): Promise<HostInput[]> {
  for (const name of specs.keys()) {
    if (model.inputs.some((i) => i.name === name)) continue;
    const names = model.inputs.map((i) => `"${i.name}"`).join(", ");
    throw new RangeError(`The model has no input "${name}": expected one of ${names}`);
  }
  const next = generator(1);
  return await Promise.all(model.inputs.map(async (info) => {
    const spec = specs.get(info.name);
    if (spec?.picture !== undefined) return await fromPicture(info, spec.picture, spec.range);
    const shape = spec?.shape ?? defaultShape(info);
    const isWhole = /int|bool/.test(info.type);
    const [low, high] = spec?.range ?? (isWhole ? [0, 1] : [-1, 1]);
    const size = shape.reduce((a, b) => a * b, 1);
    const draw = () => isWhole ? Math.floor(low + next() * (high - low + 1)) : Math.fround(low + next() * (high - low));
    return { name: info.name, type: info.type, shape, data: Float64Array.from({ length: size }, draw) };
  }));
}

/** A picture as [1, 3, H, W], of the size that the model asks for, or its own. */
async function fromPicture(
  info: OnnxValueInfo,
  path: string,
  [low, high]: readonly [number, number] = [0, 1],
): Promise<HostInput> {
  const { name, type, shape } = info;
  if (!/float/.test(type) || shape?.length !== 4 || (typeof shape[1] === "number" && shape[1] !== 3)) {
    throw new RangeError(`Input "${name}" is ${type} [${shape?.join(", ") ?? "?"}]: a picture is float [1, 3, H, W]`);
  }
  const fixed = (axis: number) => typeof shape[axis] === "number" ? shape[axis] : undefined;
  const [height, width] = [fixed(2), fixed(3)];
  const picture = await readImage(path, { ...(height && { height }), ...(width && { width }) });
  const pixels = picture.height * picture.width;
  const data = Float64Array.from({ length: 3 * pixels }, (_, i) => {
    const byte = picture.rgb[i % pixels * 3 + Math.floor(i / pixels)];
    return Math.fround(low + (high - low) * byte / 255);
  });
  return { name, type, shape: [1, 3, picture.height, picture.width], data };
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
