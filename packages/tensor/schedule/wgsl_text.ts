/** Expressions as WGSL. */
import { THREEFRY_WGSL } from "../random/threefry.ts";
import {
  argumentsOf,
  type Definition,
  type Expression,
  ExpressionPool,
  type Operation,
  type ScalarType,
} from "./expression.ts";
import { type Index, wgsl } from "./index_expression.ts";
import type { Tensor } from "../tensor.ts";

/** Where WGSL is written to and what it refers to. */
export interface WgslContext {
  /** Statements so far; grows. */
  readonly statements: string[];
  /** Whether the value of an expression gets a name. */
  isNamed(x: Expression): boolean;
  /** A fresh name. */
  name(): string;
  /** Adds a function to the module. */
  helper(source: string): void;
  /** WGSL of an element of a stored tensor. */
  load(tensor: Tensor, position: Index): string;
  /** What stands for the core's value. */
  readonly core: string;
  /** What stands for the parameters of a function. */
  readonly parameters?: readonly string[];
}

const INFIX: Partial<Record<Operation, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  and: "&",
  or: "|",
  xor: "^",
  shiftLeft: "<<",
  shiftRight: ">>",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};

// Makes a float of bits that the compiler can not fold
const BITS = `fn dipp_bits(bits: u32) -> f32 {
  var b = bits;
  return bitcast<f32>(b);
}`;

/** Writes expressions into one straight piece of WGSL. */
export class WgslText {
  readonly #context: WgslContext;
  readonly #known = new Map<Expression, string>();
  readonly #bound = new Map<string, string>();

  /** Writes to and refers to what `context` says. */
  constructor(context: WgslContext) {
    this.#context = context;
  }

  /** WGSL of a value. */
  of(x: Expression): string {
    const known = this.#known.get(x);
    if (known !== undefined) return known;
    const text = this.#write(x);
    const result = this.#context.isNamed(x) ? this.bind(text, x.type) : text;
    this.#known.set(x, result);
    return result;
  }

  /** WGSL of a position. */
  position(index: Index): string {
    return wgsl(index, (value) => this.bind(this.of(value), "u32"));
  }

  /** The name of a WGSL expression, which is computed once. */
  bind(text: string, type: string): string {
    const known = this.#bound.get(text);
    if (known !== undefined) return known;
    const name = this.#context.name();
    this.#context.statements.push(`let ${name}: ${type} = ${text};`);
    this.#bound.set(text, name);
    // A name stands for itself
    this.#bound.set(name, name);
    return name;
  }

  #write(x: Expression): string {
    const { form, type } = x;
    switch (form.kind) {
      case "literal":
        return this.#literal(form.value, type);
      case "index":
        return this.position(form.index);
      case "load":
        return this.#context.load(form.tensor, form.position);
      case "core":
        return this.#context.core;
      case "parameter":
        return this.#context.parameters![form.index];
      case "call":
        this.#context.helper(functionText(form.callee));
        return `dipp_${form.callee.name}(${form.args.map((arg) => this.of(arg)).join(", ")})`;
      case "threefry": {
        this.#context.helper(THREEFRY_WGSL);
        const [k0, k1, c0, c1] = form.args.map((arg) => this.of(arg));
        const block = this.bind(`threefry2x32(vec2<u32>(${k0}, ${k1}), vec2<u32>(${c0}, ${c1}))`, "vec2<u32>");
        return `${block}.${"xy"[form.lane]}`;
      }
      case "operation":
        return operation(form.op, type, form.args[0].type, form.args.map((arg) => this.of(arg)));
    }
  }

  #literal(value: number, type: ScalarType): string {
    if (type === "bool") return String(value !== 0);
    if (type === "u32") return `${value >>> 0}u`;
    if (type === "i32") return `i32(${Math.trunc(value)})`;
    if (!Number.isFinite(value)) {
      // Non-finite constants are rejected in constant expressions, so the bits go through a function of a variable
      this.#context.helper(BITS);
      return `dipp_bits(${Number.isNaN(value) ? "0x7fc00000u" : value > 0 ? "0x7f800000u" : "0xff800000u"})`;
    }
    const rounded = Math.fround(value);
    // Literals that overflow f32 are errors in WGSL: the nearest finite value is meant
    if (!Number.isFinite(rounded)) return value > 0 ? "3.4028234663852886e38f" : "(-3.4028234663852886e38f)";
    const text = Object.is(rounded, -0) ? "-0" : String(rounded);
    return `${/[.e]/.test(text) ? text : `${text}.0`}f`.replace(/^-(.*)$/, "(-$1)");
  }
}

function operation(op: Operation, type: ScalarType, from: ScalarType, args: readonly string[]): string {
  const [x, y, z] = args;
  const infix = INFIX[op];
  if (infix) return `(${x} ${from === "bool" && (op === "and" || op === "or") ? infix + infix : infix} ${y})`;
  switch (op) {
    case "neg":
      return `(-${x})`;
    case "not":
      return `(!${x})`;
    case "select":
      return `select(${z}, ${y}, ${x})`;
    case "convert":
      return `${type}(${x})`;
    case "bitcast":
      return `bitcast<${type}>(${x})`;
    case "unpackF16":
      return `unpack2x16float(${x}).x`;
    default:
      return `${op}(${args.join(", ")})`;
  }
}

const FUNCTIONS = new Map<Definition, string>();

/** The WGSL function of a definition. */
function functionText(definition: Definition): string {
  let known = FUNCTIONS.get(definition);
  if (known !== undefined) return known;
  const pool = new ExpressionPool();
  const parameters = definition.parameters.map((type, i) => pool.parameter(i, type));
  const result = definition.body(...parameters);
  const uses = new Map<Expression, number>();
  const count = (x: Expression) => {
    uses.set(x, (uses.get(x) ?? 0) + 1);
    if (uses.get(x) === 1) argumentsOf(x).forEach(count);
  };
  count(result);
  const statements: string[] = [];
  let names = 0;
  const text = new WgslText({
    statements,
    isNamed: (x) => uses.get(x)! > 1 && argumentsOf(x).length > 0,
    name: () => `v${names++}`,
    helper: () => {
      throw new TypeError(`Cannot define ${definition.name}: expected operations and parameters only`);
    },
    load: () => "",
    core: "",
    parameters: definition.parameters.map((_, i) => `x${i}`),
  });
  const value = text.of(result);
  const list = definition.parameters.map((type, i) => `x${i}: ${type}`).join(", ");
  known = `fn dipp_${definition.name}(${list}) -> ${definition.result} {\n  ${
    [...statements, `return ${value};`].join("\n  ")
  }\n}`;
  FUNCTIONS.set(definition, known);
  return known;
}
