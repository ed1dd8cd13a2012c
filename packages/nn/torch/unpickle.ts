/**
 * A pickle reader that knows data, and of everything importable only what tensors are described with. It runs nothing:
 * a name that is not known, and an opcode that is not needed, is an error.
 *
 * Source: Python, `Lib/pickle.py` and `Lib/pickletools.py`, protocols 2 to 5.
 *
 * @module
 */

import { OPCODES } from "./pickle_opcodes.ts";
import { Dict, Global, PickledTensor, type PickleValue, Storage, Tuple } from "./pickle_values.ts";
import { call, isKnownGlobal, persistentStorage } from "./rebuild.ts";

/** Operations of one pickle: a hundred thousand tensors. */
const MAX_OPERATIONS = 2 ** 22;
/** Values on the stack: pickles write dicts and lists in parts of a thousand items. */
const MAX_STACK = 2 ** 17;

const MARK = Symbol("mark");

/** What operations work on. */
class Machine {
  readonly memo = new Map<number, PickleValue>();
  readonly #stack: (PickleValue | typeof MARK)[] = [];
  readonly #view: DataView;
  #at = 0;

  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes of the pickle from here on, with the position moved past them. */
  take(count: number): number {
    const at = this.#at;
    if (count > this.bytes.length - at) throw new RangeError(`its pickle ends at byte ${this.bytes.length}, truncated`);
    this.#at += count;
    return at;
  }

  u8 = (): number => this.#view.getUint8(this.take(1));
  u16 = (): number => this.#view.getUint16(this.take(2), true);
  i32 = (): number => this.#view.getInt32(this.take(4), true);
  u32 = (): number => this.#view.getUint32(this.take(4), true);
  f64 = (): number => this.#view.getFloat64(this.take(8));

  text(length: number): string {
    const at = this.take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(this.bytes.subarray(at, at + length));
    } catch (cause) {
      throw new TypeError("its pickle holds text that is not UTF-8", { cause });
    }
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new RangeError(`its pickle ends at byte ${this.bytes.length}, truncated`);
    const text = this.text(end - this.#at);
    this.take(1);
    return text;
  }

  /** A little-endian integer of two's complement. */
  long(length: number): number {
    let value = 0n;
    const at = this.take(length);
    for (let i = length - 1; i >= 0; i--) value = value << 8n | BigInt(this.bytes[at + i]);
    value = BigInt.asIntN(8 * length, value);
    if (BigInt(Number(value)) !== value || !Number.isSafeInteger(Number(value))) {
      throw new RangeError(`its pickle holds the integer ${value}`);
    }
    return Number(value);
  }

  push(value: PickleValue | typeof MARK): void {
    if (this.#stack.length >= MAX_STACK) throw new RangeError(`its pickle stacks more than ${MAX_STACK} values`);
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw new TypeError("its pickle takes a value that is not there");
    return value;
  }

  popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): PickleValue[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw new TypeError("its pickle takes values that are not there");
    return this.#stack.splice(at).slice(1) as PickleValue[];
  }

  top<T extends PickleValue>(is: (value: PickleValue) => value is T, what: string): T {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK || !is(value)) throw new TypeError(`its pickle ${what}`);
    return value;
  }

  put(index: number): void {
    this.memo.set(index, this.top((_): _ is PickleValue => true, "keeps a value that is not there"));
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw new TypeError(`its pickle takes value ${index}, which it did not keep`);
    this.push(value);
  }

  global(module: PickleValue, name: PickleValue): void {
    const full = `${module}.${name}`;
    if (typeof module !== "string" || typeof name !== "string" || !isKnownGlobal(full)) {
      throw new TypeError(
        `its pickle names "${full.slice(0, 200)}", which is nothing that tensors need; nothing was run`,
      );
    }
    this.push(new Global(full));
  }

  setItems(items: PickleValue[]): void {
    const dict = this.top((value): value is Dict => value instanceof Dict, "sets items of what is no dict");
    if (items.length % 2 === 1) throw new TypeError("its pickle sets a key without a value");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== "string" && typeof key !== "number") {
        throw new TypeError("its pickle holds a dict with a key that is neither a string nor a number");
      }
      dict.entries.set(key, items[i + 1]);
    }
  }

  append(items: PickleValue[]): void {
    const list = this.top((value): value is PickleValue[] => Array.isArray(value), "appends to what is no list");
    for (const item of items) list.push(item);
  }
}

const OPERATIONS: Readonly<Record<string, (m: Machine) => void>> = {
  PROTO: (m) => {
    const protocol = m.u8();
    if (protocol < 2 || protocol > 5) throw new TypeError(`its pickle is of protocol ${protocol}, expected 2 to 5`);
  },
  FRAME: (m) => void m.take(8),
  MARK: (m) => m.push(MARK),
  NONE: (m) => m.push(null),
  NEWTRUE: (m) => m.push(true),
  NEWFALSE: (m) => m.push(false),
  BININT: (m) => m.push(m.i32()),
  BININT1: (m) => m.push(m.u8()),
  BININT2: (m) => m.push(m.u16()),
  LONG1: (m) => m.push(m.long(m.u8())),
  BINFLOAT: (m) => m.push(m.f64()),
  BINUNICODE: (m) => m.push(m.text(m.u32())),
  SHORT_BINUNICODE: (m) => m.push(m.text(m.u8())),
  EMPTY_DICT: (m) => m.push(new Dict()),
  EMPTY_LIST: (m) => m.push([]),
  EMPTY_TUPLE: (m) => m.push(new Tuple([])),
  TUPLE: (m) => m.push(new Tuple(m.popToMark())),
  TUPLE1: (m) => m.push(new Tuple(m.popMany(1))),
  TUPLE2: (m) => m.push(new Tuple(m.popMany(2))),
  TUPLE3: (m) => m.push(new Tuple(m.popMany(3))),
  APPEND: (m) => m.append(m.popMany(1)),
  APPENDS: (m) => m.append(m.popToMark()),
  SETITEM: (m) => m.setItems(m.popMany(2)),
  SETITEMS: (m) => m.setItems(m.popToMark()),
  BINPUT: (m) => m.put(m.u8()),
  LONG_BINPUT: (m) => m.put(m.u32()),
  MEMOIZE: (m) => m.put(m.memo.size),
  BINGET: (m) => m.get(m.u8()),
  LONG_BINGET: (m) => m.get(m.u32()),
  GLOBAL: (m) => m.global(m.line(), m.line()),
  STACK_GLOBAL: (m) => {
    const [module, name] = m.popMany(2);
    m.global(module, name);
  },
  BINPERSID: (m) => m.push(persistentStorage(m.pop())),
  REDUCE: (m) => {
    const args = m.pop();
    if (!(args instanceof Tuple)) throw new TypeError("its pickle calls with what is no tuple");
    m.push(call(m.pop(), args.items));
  },
  // A state dict has an attribute, _metadata, that says nothing about tensors
  BUILD: (m) => {
    m.pop();
    m.top((value): value is Dict => value instanceof Dict, "sets attributes of what is no dict");
  },
};

/**
 * Reads a pickle of tensors and plain data.
 *
 * @param bytes the pickle
 * @returns what it describes
 * @throws {TypeError} naming what is refused; the message goes on after "Cannot read FILE: "
 * @throws {RangeError} when the pickle is truncated, too large, or describes a tensor that is not within its storage
 */
export function unpickle(bytes: Uint8Array<ArrayBuffer>): PickleValue {
  const machine = new Machine(bytes);
  for (let i = 0; i < MAX_OPERATIONS; i++) {
    const byte = machine.u8();
    const name = OPCODES[byte];
    if (name === "STOP") return machine.pop();
    if (name === undefined || !Object.hasOwn(OPERATIONS, name)) {
      throw new TypeError(`its pickle has the opcode ${name ?? byte}, which tensors do not need; nothing was run`);
    }
    OPERATIONS[name](machine);
  }
  throw new RangeError(`its pickle has more than ${MAX_OPERATIONS} operations`);
}

export { Dict, PickledTensor, type PickleValue, Storage };
