/**
 * WebAssembly instructions as nested lists of bytes: each function here takes the code of its operands and gives the code
 * that leaves the result on the stack. Opcodes are those of the WebAssembly core specification 3.0 (chapter 5.4), with
 * the threads proposal's atomics.
 *
 * Addresses are i32; offsets are in bytes. Vectors are `v128`, read as four lanes of f32 or i32.
 */
import { float32, signed, unsigned } from "./leb128.ts";
import type { Local, WasmFunction } from "./function.ts";

/** A piece of code: bytes, references to functions that get their number when a module is built, or pieces of code. */
export type Code = number | CallTarget | readonly Code[];

/** Stands for the number of a function in the module that is being built. */
export interface CallTarget {
  /** The function that is called. */
  readonly callee: WasmFunction;
}

/** An instruction of one operand. */
export type Unary = (x: Code) => Code;
/** An instruction of two operands. */
export type Binary = (x: Code, y: Code) => Code;
/** An instruction of three operands. */
export type Ternary = (x: Code, y: Code, z: Code) => Code;
/** Reads memory at `address + offset`. */
export type Load = (address: Code, offset?: number) => Code;
/** Writes memory at `address + offset`. */
export type Store = (address: Code, value: Code, offset?: number) => Code;
/** Reads one lane, numbered at once, of a vector. */
export type ExtractLane = (vector: Code, lane: number) => Code;
/** A vector with one lane, numbered at once, replaced. */
export type ReplaceLane = (vector: Code, lane: number, value: Code) => Code;

const EMPTY = 0x40;

const simd = (opcode: number): Code => [0xfd, unsigned(opcode)];
const memory = (alignment: number, offset: number): Code => [unsigned(alignment), unsigned(offset)];
const unary = (op: Code) => (x: Code): Code => [x, op];
const binary = (op: Code) => (x: Code, y: Code): Code => [x, y, op];
const ternary = (op: Code) => (x: Code, y: Code, z: Code): Code => [x, y, z, op];
const load =
  (op: Code, alignment: number) => (address: Code, offset = 0): Code => [address, op, memory(alignment, offset)];
const store = (op: Code, alignment: number) => (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  op,
  memory(alignment, offset),
];
const atomic = (op: number) => [0xfe, op];

/** 32-bit integers; those with `U` are unsigned. */
export const i32: Readonly<
  & Record<"const", (value: number) => Code>
  & Record<"load" | "load16U" | "atomicLoad", Load>
  & Record<"store" | "store16" | "atomicStore" | "atomicAdd", Store>
  & Record<"eqz" | "truncSatF32S" | "truncSatF32U" | "reinterpretF32", Unary>
  & Record<
    | "eq"
    | "ne"
    | "ltS"
    | "ltU"
    | "gtS"
    | "gtU"
    | "leS"
    | "leU"
    | "geS"
    | "geU"
    | "add"
    | "sub"
    | "mul"
    | "divS"
    | "divU"
    | "remS"
    | "remU"
    | "and"
    | "or"
    | "xor"
    | "shl"
    | "shrS"
    | "shrU",
    Binary
  >
  & Record<"extractLane", ExtractLane>
> = {
  /** A constant; numbers from 2^31 on stand for their bits. */
  const: (value: number): Code => [0x41, signed(value | 0)],
  load: load(0x28, 2),
  load16U: load(0x2f, 1),
  store: store(0x36, 2),
  store16: store(0x3b, 1),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  ltS: binary(0x48),
  ltU: binary(0x49),
  gtS: binary(0x4a),
  gtU: binary(0x4b),
  leS: binary(0x4c),
  leU: binary(0x4d),
  geS: binary(0x4e),
  geU: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  divS: binary(0x6d),
  divU: binary(0x6e),
  remS: binary(0x6f),
  remU: binary(0x70),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shrS: binary(0x75),
  shrU: binary(0x76),
  truncSatF32S: unary([0xfc, 0]),
  truncSatF32U: unary([0xfc, 1]),
  reinterpretF32: unary(0xbc),
  /** Lane `lane` of four. */
  extractLane: (vector: Code, lane: number): Code => [vector, simd(0x1b), lane],
  atomicLoad: load(atomic(0x10), 2),
  atomicStore: store(atomic(0x17), 2),
  /** Adds to the word in memory and gives what it was. */
  atomicAdd: store(atomic(0x1e), 2),
};

/** 64-bit integers, as far as waiting takes them. */
export const i64: Readonly<Record<"const", (value: number) => Code>> = {
  const: (value: number): Code => [0x42, signed(value)],
};

/** 32-bit floats. */
export const f32: Readonly<
  & Record<"const", (value: number) => Code>
  & Record<"load", Load>
  & Record<"store", Store>
  & Record<"add" | "sub" | "mul" | "div" | "min" | "max", Binary>
  & Record<"sqrt" | "convertI32S" | "convertI32U" | "reinterpretI32", Unary>
  & Record<"extractLane", ExtractLane>
> = {
  const: (value: number): Code => [0x43, float32(value)],
  load: load(0x2a, 2),
  store: store(0x38, 2),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  min: binary(0x96),
  max: binary(0x97),
  sqrt: unary(0x91),
  convertI32S: unary(0xb2),
  convertI32U: unary(0xb3),
  reinterpretI32: unary(0xbe),
  /** Lane `lane` of four. */
  extractLane: (vector: Code, lane: number): Code => [vector, simd(0x1f), lane],
};

/** Vectors of 128 bits. */
export const v128: Readonly<
  & Record<"load" | "load32Splat" | "load32Zero" | "load64Zero" | "load16x4U", Load>
  & Record<"store", Store>
  & Record<"store32Lane" | "store64Lane", (address: Code, value: Code, lane: number, offset?: number) => Code>
  & Record<"load32Lane", (address: Code, vector: Code, lane: number, offset?: number) => Code>
  & Record<"not" | "anyTrue", Unary>
  & Record<"and" | "andnot" | "or" | "xor", Binary>
  & Record<"bitselect", Ternary>
  & Record<"shuffle", (x: Code, y: Code, bytes: readonly number[]) => Code>
> = {
  load: load(simd(0), 2),
  store: store(simd(11), 2),
  /** Four copies of a 32-bit word in memory. */
  load32Splat: load(simd(9), 2),
  /** A 32-bit word in lane 0, the others zero. */
  load32Zero: load(simd(92), 2),
  /** Two 32-bit words in lanes 0 and 1, the others zero. */
  load64Zero: load(simd(93), 2),
  /** Four 16-bit words, widened with zeros to 32 bits each. */
  load16x4U: load(simd(4), 1),
  /** Stores lane 0 to 3. */
  store32Lane: (address: Code, value: Code, lane: number, offset = 0): Code => [
    address,
    value,
    simd(90),
    memory(2, offset),
    lane,
  ],
  /** Stores the lower 64 bits (`lane` 0) or the upper. */
  store64Lane: (address: Code, value: Code, lane: number, offset = 0): Code => [
    address,
    value,
    simd(91),
    memory(2, offset),
    lane,
  ],
  /** Reads a 32-bit word into one lane of `vector`. */
  load32Lane: (address: Code, vector: Code, lane: number, offset = 0): Code => [
    address,
    vector,
    simd(86),
    memory(2, offset),
    lane,
  ],
  not: unary(simd(77)),
  and: binary(simd(78)),
  andnot: binary(simd(79)),
  or: binary(simd(80)),
  xor: binary(simd(81)),
  /** Bits of x where the mask is one, else of y. */
  bitselect: ternary(simd(82)),
  anyTrue: unary(simd(83)),
  /** Bytes of two vectors by their numbers, 0 to 31. */
  shuffle: (x: Code, y: Code, bytes: readonly number[]): Code => [x, y, simd(13), bytes],
};

/** Four lanes of i32. Comparisons give a mask: all bits of a lane or none. */
export const i32x4: Readonly<
  & Record<"splat" | "abs" | "neg" | "allTrue" | "truncSatF32x4S" | "truncSatF32x4U", Unary>
  & Record<"replaceLane", ReplaceLane>
  & Record<
    | "eq"
    | "ne"
    | "ltS"
    | "ltU"
    | "gtS"
    | "gtU"
    | "leS"
    | "leU"
    | "geS"
    | "geU"
    | "shl"
    | "shrS"
    | "shrU"
    | "add"
    | "sub"
    | "mul"
    | "minS"
    | "minU"
    | "maxS"
    | "maxU",
    Binary
  >
> = {
  splat: unary(simd(17)),
  replaceLane: (vector: Code, lane: number, value: Code): Code => [vector, value, simd(28), lane],
  eq: binary(simd(55)),
  ne: binary(simd(56)),
  ltS: binary(simd(57)),
  ltU: binary(simd(58)),
  gtS: binary(simd(59)),
  gtU: binary(simd(60)),
  leS: binary(simd(61)),
  leU: binary(simd(62)),
  geS: binary(simd(63)),
  geU: binary(simd(64)),
  abs: unary(simd(160)),
  neg: unary(simd(161)),
  allTrue: unary(simd(163)),
  /** The shift is an i32. */
  shl: binary(simd(171)),
  shrS: binary(simd(172)),
  shrU: binary(simd(173)),
  add: binary(simd(174)),
  sub: binary(simd(177)),
  mul: binary(simd(181)),
  minS: binary(simd(182)),
  minU: binary(simd(183)),
  maxS: binary(simd(184)),
  maxU: binary(simd(185)),
  truncSatF32x4S: unary(simd(248)),
  truncSatF32x4U: unary(simd(249)),
};

/** Eight lanes of i16, as far as packing halves takes them. */
export const i16x8: Readonly<Record<"narrowI32x4U", Binary>> = {
  /** Narrows two vectors of i32 to unsigned 16 bits; what does not fit is clamped. */
  narrowI32x4U: binary(simd(134)),
};

/** Four lanes of f32. Comparisons give a mask: all bits of a lane or none. */
export const f32x4: Readonly<
  & Record<
    "splat" | "ceil" | "floor" | "trunc" | "nearest" | "abs" | "neg" | "sqrt" | "convertI32x4S" | "convertI32x4U",
    Unary
  >
  & Record<"replaceLane", ReplaceLane>
  & Record<
    "eq" | "ne" | "lt" | "gt" | "le" | "ge" | "add" | "sub" | "mul" | "div" | "min" | "max" | "pmin" | "pmax",
    Binary
  >
  & Record<"relaxedMadd" | "relaxedNmadd", Ternary>
> = {
  splat: unary(simd(19)),
  replaceLane: (vector: Code, lane: number, value: Code): Code => [vector, value, simd(32), lane],
  eq: binary(simd(65)),
  ne: binary(simd(66)),
  lt: binary(simd(67)),
  gt: binary(simd(68)),
  le: binary(simd(69)),
  ge: binary(simd(70)),
  ceil: unary(simd(103)),
  floor: unary(simd(104)),
  trunc: unary(simd(105)),
  /** To the nearest integer, ties to even. */
  nearest: unary(simd(106)),
  abs: unary(simd(224)),
  neg: unary(simd(225)),
  sqrt: unary(simd(227)),
  add: binary(simd(228)),
  sub: binary(simd(229)),
  mul: binary(simd(230)),
  div: binary(simd(231)),
  min: binary(simd(232)),
  max: binary(simd(233)),
  /** y < x ? y : x, one instruction on most machines. */
  pmin: binary(simd(234)),
  /** x < y ? y : x, one instruction on most machines. */
  pmax: binary(simd(235)),
  convertI32x4S: unary(simd(250)),
  convertI32x4U: unary(simd(251)),
  /** x * y + z, with one rounding or two as the machine likes it; only where there is relaxed SIMD. */
  relaxedMadd: ternary(simd(0x105)),
  /** z - x * y, likewise. */
  relaxedNmadd: ternary(simd(0x106)),
};

/** Control and calls. A block's code leaves nothing on the stack. */
export const control = {
  /** Code that a branch to depth 0 leaves. */
  block: (...body: Code[]): Code => [0x02, EMPTY, body, 0x0b],
  /** Code that a branch to depth 0 repeats. */
  loop: (...body: Code[]): Code => [0x03, EMPTY, body, 0x0b],
  /** Code that runs where `condition` (i32) is not zero. */
  if: (condition: Code, then: Code, otherwise?: Code): Code => [
    condition,
    0x04,
    EMPTY,
    then,
    otherwise === undefined ? [] : [0x05, otherwise],
    0x0b,
  ],
  br: (depth: number): Code => [0x0c, unsigned(depth)],
  brIf: (depth: number, condition: Code): Code => [condition, 0x0d, unsigned(depth)],
  return: 0x0f as Code,
  unreachable: 0x00 as Code,
  drop: (value: Code): Code => [value, 0x1a],
  /** x where `condition` (i32) is not zero, else y; of any one type of numbers. */
  select: (condition: Code, x: Code, y: Code): Code => [x, y, condition, 0x1b],
  /** The same for vectors. */
  selectV128: (condition: Code, x: Code, y: Code): Code => [x, y, condition, 0x1c, 1, 0x7b],
  call: (callee: WasmFunction, ...args: Code[]): Code => [args, 0x10, { callee }],
  /** Calls entry `index` (i32) of the module's table; `type` is the number of its type in the module. */
  callIndirect: (type: number, index: Code, ...args: Code[]): Code => [args, index, 0x11, unsigned(type), 0],
  /** Sleeps while the word at `address` is `expected`; 0 woken, 1 it was another, 2 timed out (nanoseconds, i64; -1 never). */
  wait32: (
    address: Code,
    expected: Code,
    timeout: Code,
  ): Code => [address, expected, timeout, 0xfe, 0x01, memory(2, 0)],
  /** Wakes up to `count` sleepers; gives their number. */
  notify: (address: Code, count: Code): Code => [address, count, 0xfe, 0x00, memory(2, 0)],
  /** Sets `bytes` bytes to `value`. */
  fill: (address: Code, value: Code, bytes: Code): Code => [address, value, bytes, 0xfc, 11, 0],
  /** Copies `bytes` bytes; the ranges may overlap. */
  copy: (target: Code, source: Code, bytes: Code): Code => [target, source, bytes, 0xfc, 10, 0, 0],
};

/**
 * Counts `counter` (i32) from `from` in steps of `step` while it is below `to`; the body runs not at all where `from` is
 * not below. Inside the body a branch to depth 0 is a next round without counting: there is none to write.
 *
 * @param counter Local that counts.
 * @param from Its first value.
 * @param to What it stays below (signed); evaluated each round, so a local or a constant.
 * @param step How far it moves.
 * @param body What runs.
 */
export function forEach(counter: Local, from: Code, to: Code, step: number, ...body: Code[]): Code {
  return [
    counter.set(from),
    control.if(
      i32.ltS(counter.get, to),
      control.loop(
        body,
        control.brIf(0, i32.ltS(counter.tee(i32.add(counter.get, i32.const(step))), to)),
      ),
    ),
  ];
}
