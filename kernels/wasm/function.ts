/** A WebAssembly function while it is written: its type, its local variables and its code. */
import { unsigned } from "./leb128.ts";
import type { Code } from "./instructions.ts";

/** Types of values. */
export type ValueType = "i32" | "i64" | "f32" | "v128";

/** A parameter or variable of a function. */
export class Local {
  /** Its number. */
  readonly index: number;
  /** Its type. */
  readonly type: ValueType;
  /** Code of its value. */
  readonly get: Code;

  /** A function makes its own. */
  constructor(index: number, type: ValueType) {
    this.index = index;
    this.type = type;
    this.get = [0x20, unsigned(index)];
  }

  /** Code that stores a value. */
  set(value: Code): Code {
    return [value, 0x21, unsigned(this.index)];
  }

  /** Code that stores a value and leaves it on the stack. */
  tee(value: Code): Code {
    return [value, 0x22, unsigned(this.index)];
  }
}

/**
 * A function. Its parameters and variables are made first, then `body` is set.
 *
 * @example The sum of two integers
 * ```ts
 * import { buildModule, i32, WasmFunction } from "@dipp/kernels/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * const add = new WasmFunction("add", "i32");
 * const [x, y] = [add.parameter("i32"), add.parameter("i32")];
 * add.body = i32.add(x.get, y.get);
 * const module = new WebAssembly.Module(buildModule({ exports: [add] }));
 * const { exports } = new WebAssembly.Instance(module);
 * assertEquals((exports.add as (x: number, y: number) => number)(20, 22), 42);
 * ```
 */
export class WasmFunction {
  /** Name for exports and stack traces. */
  readonly name: string;
  /** What it returns, if anything. */
  readonly result: ValueType | undefined;
  /** Types of the parameters. */
  readonly parameters: ValueType[] = [];
  /** Types of the variables. */
  readonly variables: ValueType[] = [];
  /** The code. */
  body: Code = [];

  /** A function that returns a value of type `result`, or none. */
  constructor(name: string, result?: ValueType) {
    this.name = name;
    this.result = result;
  }

  /** Adds a parameter; all of them come before the first variable. */
  parameter(type: ValueType): Local {
    if (this.variables.length > 0) {
      throw new TypeError(`Cannot add a parameter to ${this.name}: expected all parameters before its variables`);
    }
    this.parameters.push(type);
    return new Local(this.parameters.length - 1, type);
  }

  /** Adds a variable, which starts as zero. */
  local(type: ValueType): Local {
    this.variables.push(type);
    return new Local(this.parameters.length + this.variables.length - 1, type);
  }

  /** Adds several variables. */
  locals(type: ValueType, count: number): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }
}
