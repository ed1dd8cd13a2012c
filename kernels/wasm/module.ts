/** Puts functions together into the bytes of a WebAssembly module. */
import type { CallTarget, Code } from "./instructions.ts";
import { list, signed, text, unsigned } from "./leb128.ts";
import type { ValueType, WasmFunction } from "./function.ts";

/** What a module consists of. Functions that these call, directly or not, come along. */
export interface ModuleSpec {
  /** Functions that the module exports, by their names. */
  readonly exports?: readonly WasmFunction[];
  /** Functions of the module's table, in order; they need no names of their own. */
  readonly table?: readonly WasmFunction[];
  /** Entry of an imported table, "env" "table", from which `table` is put; by default the module has a table of its own. */
  readonly tableOffset?: number;
  /** The memory that it imports as "env" "memory", in pages of 64 KiB; none by default. */
  readonly memory?: { readonly minimum: number; readonly maximum: number; readonly shared: boolean };
  /** Functions whose types come first among the module's types, for `callIndirect`. */
  readonly types?: readonly WasmFunction[];
}

const TYPES: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, v128: 0x7b };

/**
 * The bytes of a module.
 *
 * @param spec Its exports, table and memory.
 * @returns What `new WebAssembly.Module` takes.
 */
export function buildModule(spec: ModuleSpec): Uint8Array<ArrayBuffer> {
  const { exports = [], table = [], tableOffset, memory } = spec;
  const functions = new Map<WasmFunction, number>();
  const add = (f: WasmFunction) => {
    if (functions.has(f)) return;
    functions.set(f, functions.size);
    callees(f.body, add);
  };
  [...exports, ...table].forEach(add);

  const types = new Map<string, number>();
  const typeBytes: number[][] = [];
  const typeOf = ({ parameters, result }: WasmFunction) => {
    const key = `${parameters}:${result}`;
    if (!types.has(key)) {
      types.set(key, types.size);
      const results = result ? [[TYPES[result]]] : [];
      typeBytes.push([0x60, ...list(parameters.map((p) => [TYPES[p]])), ...list(results)]);
    }
    return types.get(key)!;
  };
  (spec.types ?? []).forEach(typeOf);
  const all = [...functions.keys()];
  const declared = all.map((f) => unsigned(typeOf(f)));
  const limits = memory && [memory.shared ? 3 : 1, ...unsigned(memory.minimum), ...unsigned(memory.maximum)];

  const bytes = new Bytes();
  bytes.add([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  bytes.section(1, list(typeBytes));
  const imports: number[][] = [];
  if (limits) imports.push([...text("env"), ...text("memory"), 2, ...limits]);
  const entries = (tableOffset ?? 0) + table.length;
  if (tableOffset !== undefined) imports.push([...text("env"), ...text("table"), 1, 0x70, 0, ...unsigned(entries)]);
  if (imports.length > 0) bytes.section(2, list(imports));
  bytes.section(3, list(declared));
  if (table.length > 0 && tableOffset === undefined) bytes.section(4, list([[0x70, 0, ...unsigned(entries)]]));
  bytes.section(7, list(exports.map((f) => [...text(f.name), 0, ...unsigned(functions.get(f)!)])));
  if (table.length > 0) {
    const start = [0x41, ...signed(tableOffset ?? 0), 0x0b];
    bytes.section(9, list([[0, ...start, ...list(table.map((f) => unsigned(functions.get(f)!)))]]));
  }
  const bodies = new Bytes();
  bodies.add(unsigned(all.length));
  for (const f of all) bodies.sized(bodyOf(f, functions));
  bytes.add([10]);
  bytes.sized(bodies);
  return bytes.finish();
}

/** Bytes that grow. */
class Bytes {
  #buffer = new Uint8Array(1 << 12);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#buffer.length) this.#grow(this.#length + 1);
    this.#buffer[this.#length++] = value;
  }

  add(values: ArrayLike<number>): void {
    this.#grow(this.#length + values.length);
    this.#buffer.set(values, this.#length);
    this.#length += values.length;
  }

  sized(other: Bytes): void {
    this.add(unsigned(other.length));
    this.add(other.#buffer.subarray(0, other.#length));
  }

  section(id: number, content: readonly number[]): void {
    this.byte(id);
    this.add(unsigned(content.length));
    this.add(content);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  #grow(least: number): void {
    if (least <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(least, 2 * this.#buffer.length));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

function callees(code: Code, found: (f: WasmFunction) => void): void {
  if (typeof code === "number") return;
  if (isList(code)) { for (let i = 0; i < code.length; i++) callees(code[i], found); }
  else found(code.callee);
}

/** Of what code is made by the thousand, this tells one kind from the other faster than a look at its properties. */
function isList(code: CallTarget | readonly Code[]): code is readonly Code[] {
  return Array.isArray(code);
}

function bodyOf(f: WasmFunction, functions: ReadonlyMap<WasmFunction, number>): Bytes {
  const bytes = new Bytes();
  // Neighbouring variables of one type are declared together
  const runs: [number, ValueType][] = [];
  for (const type of f.variables) {
    const last = runs.at(-1);
    if (last?.[1] === type) last[0]++;
    else runs.push([1, type]);
  }
  bytes.add(list(runs.map(([count, type]) => [...unsigned(count), TYPES[type]])));
  const write = (code: Code) => {
    if (typeof code === "number") bytes.byte(code);
    else if (isList(code)) { for (let i = 0; i < code.length; i++) write(code[i]); }
    else bytes.add(unsigned(functions.get(code.callee)!));
  };
  write(f.body);
  bytes.byte(0x0b);
  return bytes;
}
