/** Elements of a buffer as vectors of f32, and parts of vectors into memory. */
import { type Code, f32x4, i32, i32x4, v128 } from "./instructions.ts";
import type { Local, WasmFunction } from "./function.ts";
import type { StorageType } from "./matmul_spec.ts";

/** Bytes of an element. */
export const ELEMENT_BYTES: Record<StorageType, number> = { f32: 4, f16: 2, bf16: 2 };

/** Reads elements of one type. */
export interface ElementReader {
  /** The vector of the four elements at `address + offset` bytes. */
  four(address: Code, offset?: number): Code;
  /** The element there in lane 0; the other lanes hold anything. */
  one(address: Code, offset?: number): Code;
}

/** Makes a reader for use in `f`, which gets the variables that it needs. */
export function elementReader(f: WasmFunction, type: StorageType): ElementReader {
  if (type === "f32") return { four: v128.load, one: v128.load32Zero };
  const words = {
    four: (address: Code, offset = 0) => v128.load16x4U(address, offset),
    one: (address: Code, offset = 0) => i32x4.splat(i32.load16U(address, offset)),
  };
  if (type === "bf16") {
    const widen = (x: Code) => i32x4.shl(x, i32.const(16));
    return { four: (at, offset) => widen(words.four(at, offset)), one: (at, offset) => widen(words.one(at, offset)) };
  }
  const [bits, magnitude] = f.locals("v128", 2);
  const widen = (x: Code) => halves(bits, magnitude, x);
  return { four: (at, offset) => widen(words.four(at, offset)), one: (at, offset) => widen(words.one(at, offset)) };
}

const splat = (value: number): Code => i32x4.splat(i32.const(value));

/** IEEE halves, one in each lane, as f32: shifted into place and multiplied by 2^112, which is exact for subnormals too. */
function halves(bits: Local, magnitude: Local, words: Code): Code {
  const shifted = magnitude.tee(i32x4.shl(v128.and(bits.tee(words), splat(0x7fff)), i32.const(13)));
  const scaled = f32x4.mul(shifted, splat(0x77800000));
  const special = v128.and(i32x4.geU(magnitude.get, splat(0x0f800000)), splat(0x7f800000));
  const sign = i32x4.shl(v128.and(bits.get, splat(0x8000)), i32.const(16));
  return v128.or(v128.or(scaled, special), sign);
}

/** Stores the first `count` lanes (1 to 4) of a vector. */
export function storeLanes(address: Code, vector: Code, count: number, offset: number): Code {
  if (count === 4) return v128.store(address, vector, offset);
  if (count === 1) return v128.store32Lane(address, vector, 0, offset);
  const two = v128.store64Lane(address, vector, 0, offset);
  return count === 2 ? two : [two, v128.store32Lane(address, vector, 2, offset + 8)];
}

const lanes = (...numbers: number[]) => numbers.flatMap((n) => [4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3]);

/** Code that transposes four vectors in place; `spare` are four more variables. */
export function transpose(rows: readonly Local[], spare: readonly Local[]): Code {
  const [a, b, c, d] = rows.map((row) => row.get);
  const [e, f, g, h] = spare.map((row) => row.get);
  return [
    spare[0].set(v128.shuffle(a, b, lanes(0, 4, 1, 5))),
    spare[1].set(v128.shuffle(a, b, lanes(2, 6, 3, 7))),
    spare[2].set(v128.shuffle(c, d, lanes(0, 4, 1, 5))),
    spare[3].set(v128.shuffle(c, d, lanes(2, 6, 3, 7))),
    rows[0].set(v128.shuffle(e, g, lanes(0, 1, 4, 5))),
    rows[1].set(v128.shuffle(e, g, lanes(2, 3, 6, 7))),
    rows[2].set(v128.shuffle(f, h, lanes(0, 1, 4, 5))),
    rows[3].set(v128.shuffle(f, h, lanes(2, 3, 6, 7))),
  ];
}
