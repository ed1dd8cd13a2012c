/** What is done to a file, in one of the ways in which files break or are forged. */
import type { Random } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Mutation = (bytes: Bytes, random: Random, others: readonly Bytes[]) => Bytes;

/** Lengths and offsets that readers fall over. */
const EDGES = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n - 1n,
];

const flip: Mutation = (bytes, random) => {
  const out = bytes.slice();
  if (out.length > 0) out[random.below(out.length)] ^= 1 << random.below(8);
  return out;
};

const overwrite: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const at = random.below(out.length + 1);
  for (let i = at; i < Math.min(out.length, at + 1 + random.below(8)); i++) out[i] = random.below(256);
  return out;
};

/** A number of 2, 4 or 8 bytes becomes an edge, or the length of the file give or take one. */
const edge: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const width = random.pick([2, 4, 8]);
  if (out.length < width) return out;
  const value = random.pick([...EDGES, BigInt(out.length), BigInt(out.length - 1), BigInt(out.length + 1)]);
  const at = random.below(out.length - width + 1);
  for (let i = 0; i < width; i++) out[at + i] = Number(value >> BigInt(8 * i) & 0xffn);
  return out;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length + 1));

const cut: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.below(32))));
};

const repeat: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1), end = Math.min(bytes.length, at + 1 + random.below(64));
  return joined(bytes.subarray(0, end), bytes.subarray(at));
};

const splice: Mutation = (bytes, random, others) => {
  const other = random.pick(others);
  return joined(bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1)));
};

/** A decimal number in the text becomes another, with the length of a safetensors header kept true. */
const decimal: Mutation = (bytes, random) => {
  const text = Array.from(bytes, (b) => String.fromCharCode(b)).join("");
  const numbers = [...text.matchAll(/\d+/g)];
  if (numbers.length === 0) return bytes.slice();
  const { index, 0: old } = random.pick(numbers);
  const value = random.pick([
    "0",
    "-1",
    "1e9",
    "1.5",
    "9007199254740993",
    "4294967296",
    `${Number(old) + 1}`,
    `${Number(old) * 2}`,
    "null",
    `"${old}"`,
    "1e400",
    "[]",
  ]);
  return withHeaderLength(bytes, `${text.slice(0, index)}${value}${text.slice(index + old.length)}`);
};

/** A word in the text becomes another one of it. */
const word: Mutation = (bytes, random) => {
  const text = Array.from(bytes, (b) => String.fromCharCode(b)).join("");
  const words = [...text.matchAll(/[\w.]{2,}/g)];
  if (words.length === 0) return bytes.slice();
  const { index, 0: old } = random.pick(words);
  const replacement = random.pick([random.pick(words)[0], "__proto__", "os", "F16", "I64", ""]);
  return withHeaderLength(bytes, `${text.slice(0, index)}${replacement}${text.slice(index + old.length)}`);
};

const MUTATIONS: readonly Mutation[] = [
  flip,
  flip,
  overwrite,
  edge,
  edge,
  truncate,
  cut,
  repeat,
  splice,
  decimal,
  decimal,
  word,
];

/**
 * Breaks a file in one to four ways.
 *
 * @param bytes The file.
 * @param random The case's random numbers.
 * @param others Files to take parts of.
 * @returns Another file.
 */
export function mutate(bytes: Bytes, random: Random, others: readonly Bytes[]): Bytes {
  let out = bytes;
  for (let times = 1 + random.below(4); times > 0; times--) out = random.pick(MUTATIONS)(out, random, others);
  return out;
}

function withHeaderLength(before: Bytes, text: string): Bytes {
  const out = Uint8Array.from(text, (c) => c.charCodeAt(0));
  if (before.length < 9 || before[8] !== 0x7b || out.length < 8) return out;
  const view = new DataView(out.buffer);
  const length = view.getBigUint64(0, true) + BigInt(out.length - before.length);
  view.setBigUint64(0, BigInt.asUintN(64, length), true);
  return out;
}

function joined(...parts: Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
