/**
 * What a kernel computes for one element, as a graph of scalar operations: the one description that every backend's
 * kernels are generated from. Equal expressions of one kernel are one object, so that what is shared is computed once.
 */
import type { Tensor } from "../tensor.ts";
import type { Index } from "./index_expression.ts";

/** Types of values in a kernel. Conversions are explicit. */
export type ScalarType = "f32" | "i32" | "u32" | "bool";

/** Operations on values of one type, which is also that of the result; comparisons give a bool. */
export type Operation =
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "round"
  | "sqrt"
  | "inverseSqrt"
  | "exp"
  | "log"
  | "sin"
  | "cos"
  | "not"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "min"
  | "max"
  | "pow"
  | "and"
  | "or"
  | "xor"
  | "shiftLeft"
  | "shiftRight"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  /** Of a bool and two others: the second where the first is true, else the third. */
  | "select"
  /** To the type of the result: of the nearest number towards zero, or of the same bits. */
  | "convert"
  | "bitcast"
  /** The number that 16 bits, in the lower half of a u32, stand for as f16. */
  | "unpackF16";

const COMPARISONS: ReadonlySet<Operation> = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);

/** What an expression is. */
export type Form =
  /** A number. */
  | { readonly kind: "literal"; readonly value: number }
  /** A position, as u32. */
  | { readonly kind: "index"; readonly index: Index }
  /** An element of a stored tensor, converted from its storage. */
  | { readonly kind: "load"; readonly tensor: Tensor; readonly position: Index }
  /** What the kernel's core has computed for this element. */
  | { readonly kind: "core" }
  /** A parameter of a function that is being defined. */
  | { readonly kind: "parameter"; readonly index: number }
  | { readonly kind: "operation"; readonly op: Operation; readonly args: readonly Expression[] }
  /** A function of the table in `functions.ts`. */
  | { readonly kind: "call"; readonly callee: Definition; readonly args: readonly Expression[] }
  /** Word `lane` of the Threefry-2x32 block of a key (two words) and a counter (two words). */
  | { readonly kind: "threefry"; readonly lane: 0 | 1; readonly args: readonly Expression[] };

/** A function of scalars, defined by an expression of its parameters. */
export interface Definition {
  /** Its name. */
  readonly name: string;
  /** Types of its parameters. */
  readonly parameters: readonly ScalarType[];
  /** Type of its result. */
  readonly result: ScalarType;
  /** The result. */
  body(...parameters: Expression[]): Expression;
}

/** A scalar value, with the operations that make others of it. A number among the operands is of this one's type. */
export class Expression {
  /** Number within its kernel. */
  readonly id: number;
  /** Type of the value. */
  readonly type: ScalarType;
  /** What it is. */
  readonly form: Form;
  readonly #pool: ExpressionPool;

  /** A pool makes them. */
  constructor(pool: ExpressionPool, id: number, type: ScalarType, form: Form) {
    this.#pool = pool;
    this.id = id;
    this.type = type;
    this.form = form;
  }

  /** An operation on this and others. */
  apply(op: Operation, ...others: (Expression | number)[]): Expression {
    const args = [this, ...others.map((x) => typeof x === "number" ? this.#pool.literal(x, this.type) : x)];
    return this.#pool.operation(op, COMPARISONS.has(op) ? "bool" : this.type, args);
  }

  /** -x */
  neg(): Expression {
    return this.apply("neg");
  }
  /** |x| */
  abs(): Expression {
    return this.apply("abs");
  }
  /** e^x */
  exp(): Expression {
    return this.apply("exp");
  }
  /** x + y */
  add(y: Expression | number): Expression {
    return this.apply("add", y);
  }
  /** x - y */
  sub(y: Expression | number): Expression {
    return this.apply("sub", y);
  }
  /** x y */
  mul(y: Expression | number): Expression {
    return this.apply("mul", y);
  }
  /** x / y */
  div(y: Expression | number): Expression {
    return this.apply("div", y);
  }
  /** 1 / x */
  reciprocal(): Expression {
    return this.#pool.literal(1, this.type).div(this);
  }
  /** Whether x < y. */
  lt(y: Expression | number): Expression {
    return this.apply("lt", y);
  }
  /** Whether x = y. */
  eq(y: Expression | number): Expression {
    return this.apply("eq", y);
  }
  /** Bits of both; of bools, whether both. */
  and(y: Expression | number): Expression {
    return this.apply("and", y);
  }
  /** Bits of either; of bools, whether either. */
  or(y: Expression | number): Expression {
    return this.apply("or", y);
  }
  /** Bits, `by` places up. */
  shiftLeft(by: number): Expression {
    return this.apply("shiftLeft", by);
  }
  /** Bits, `by` places down. */
  shiftRight(by: number): Expression {
    return this.apply("shiftRight", by);
  }
  /** x where this is true, else y; a number is of the other's type. */
  select(x: Expression | number, y: Expression | number): Expression {
    const type = typeof x !== "number" ? x.type : (y as Expression).type;
    const args = [x, y].map((v) => typeof v === "number" ? this.#pool.literal(v, type) : v);
    return this.#pool.operation("select", type, [this, ...args]);
  }
  /** The same number in another type: towards zero to integers, whether it is not zero to bool. */
  convert(type: ScalarType): Expression {
    if (type === this.type) return this;
    return type === "bool" ? this.apply("ne", 0) : this.#pool.operation("convert", type, [this]);
  }
  /** The same bits in another type. */
  bitcast(type: ScalarType): Expression {
    return this.#pool.operation("bitcast", type, [this]);
  }
  /** The number that the lower 16 bits stand for as f16. */
  unpackF16(): Expression {
    return this.#pool.operation("unpackF16", "f32", [this]);
  }
}

/** Makes the expressions of one kernel, each of them once. */
export class ExpressionPool {
  readonly #known = new Map<string, Expression>();
  readonly #tensors = new Map<Tensor, number>();

  /** A number. */
  literal(value: number, type: ScalarType): Expression {
    return this.#make(`${Object.is(value, -0) ? "-0" : value}`, type, { kind: "literal", value });
  }
  /** A position. */
  index(index: Index): Expression {
    return this.#make(`[${index.key}]`, "u32", { kind: "index", index });
  }
  /** An element of a stored tensor. */
  load(tensor: Tensor, position: Index, type: ScalarType): Expression {
    if (!this.#tensors.has(tensor)) this.#tensors.set(tensor, this.#tensors.size);
    return this.#make(`@${this.#tensors.get(tensor)}[${position.key}]`, type, { kind: "load", tensor, position });
  }
  /** The value of the kernel's core. */
  core(type: ScalarType): Expression {
    return this.#make("core", type, { kind: "core" });
  }
  /** A parameter of a definition. */
  parameter(index: number, type: ScalarType): Expression {
    return this.#make(`$${index}`, type, { kind: "parameter", index });
  }
  /** An operation. */
  operation(op: Operation, type: ScalarType, args: readonly Expression[]): Expression {
    return this.#make(`${op}(${args.map((x) => x.id)})`, type, { kind: "operation", op, args });
  }
  /** A call. */
  call(callee: Definition, args: readonly Expression[]): Expression {
    return this.#make(`${callee.name}!(${args.map((x) => x.id)})`, callee.result, { kind: "call", callee, args });
  }
  /** A random word. */
  threefry(lane: 0 | 1, args: readonly Expression[]): Expression {
    return this.#make(`threefry${lane}(${args.map((x) => x.id)})`, "u32", { kind: "threefry", lane, args });
  }

  #make(key: string, type: ScalarType, form: Form): Expression {
    const typed = `${key}:${type}`;
    let known = this.#known.get(typed);
    if (!known) this.#known.set(typed, known = new Expression(this, this.#known.size, type, form));
    return known;
  }
}

/** What an expression is made of. */
export function argumentsOf({ form }: Expression): readonly Expression[] {
  return "args" in form ? form.args : [];
}
