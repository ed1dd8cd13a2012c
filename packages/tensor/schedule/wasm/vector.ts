/** Expressions as WebAssembly, four lanes at a time: neighbours along one variable of the loops around them. */
import {
  type Code,
  control,
  exponential,
  f32x4,
  i32,
  i32x4,
  type Local,
  v128,
  type WasmTarget,
} from "@dipp/kernels/wasm";
import { isHalf } from "../../dtype.ts";
import type { Tensor } from "../../tensor.ts";
import { argumentsOf, type Expression, ExpressionPool, type Operation } from "../expression.ts";
import { fromHalfBits } from "../half.ts";
import { affine, type Atom, type Index } from "../index_expression.ts";
import { literal, operate, splatInteger } from "./operations.ts";
import type { Frame } from "./scope.ts";
import { threefry } from "./threefry.ts";

/** The loops around a piece of code. */
export interface Loops {
  /** Name of the variable that lanes count. */
  readonly lane: string;
  /** Its value in the first lane. */
  readonly first: Local;
  /** Other variables by their names. */
  readonly others: ReadonlyMap<string, Local>;
  /** In the rest of a loop, its last value that is meant: lanes beyond it compute something and touch nothing else. */
  readonly last?: Local;
}

/** Code of the core's value for the four elements from `4 * step` lanes on. */
export type CoreVector = (step: number) => Code;

/** Writes values of four lanes. What does not depend on the lane is set in `before`, the rest in `inside`. */
export class VectorWriter {
  /** Code to run before the loop over lanes. */
  readonly before: Code[] = [];
  /** Code of the loop's body. */
  readonly inside: Code[] = [];
  readonly #frame: Frame;
  readonly #loops: Loops;
  readonly #target: WasmTarget;
  readonly #core: CoreVector | undefined;
  readonly #values = new Map<string, Local>();
  readonly #scalars = new Map<string, Local>();
  readonly #blocks = new Map<string, readonly [Code, Code]>();
  readonly #dependent = new Map<Expression, boolean>();
  #exp: ((x: Code) => Code) | undefined;

  /** Writes into `frame`, inside `loops`. */
  constructor(frame: Frame, loops: Loops, target: WasmTarget, core?: CoreVector) {
    this.#frame = frame;
    this.#loops = loops;
    this.#target = target;
    this.#core = core;
  }

  /** Code of a value in the four lanes from `4 * step` on. */
  value(x: Expression, step = 0): Code {
    const { form, type } = x;
    if (form.kind === "literal") {
      return this.#frame.constant(`${Object.is(form.value, -0) ? "-0" : form.value}:${type}`, literal(form.value, type))
        .get;
    }
    const depends = this.#depends(x);
    const key = depends ? `${x.id}/${step}` : `${x.id}`;
    const known = this.#values.get(key);
    if (known) return known.get;
    const code = this.#write(x, depends, step);
    const local = this.#frame.f.local("v128");
    (depends ? this.inside : this.before).push(local.set(code));
    this.#values.set(key, local);
    return local.get;
  }

  #write(x: Expression, depends: boolean, step: number): Code {
    const { form, type } = x;
    switch (form.kind) {
      case "index":
        return this.#indexVector(form.index, depends, step);
      case "load":
        return this.#load(form.tensor, form.position, depends, step);
      case "core":
        return this.#core!(step);
      case "call":
        return this.value(form.callee.body(...form.args), step);
      case "threefry": {
        const args = form.args.map((arg) => this.value(arg, step));
        const key = `${form.args.map((arg) => arg.id)}/${depends ? step : ""}`;
        let words = this.#blocks.get(key);
        if (!words) {
          const block = threefry(this.#frame.f, args);
          (depends ? this.inside : this.before).push(block.code);
          this.#blocks.set(key, words = block.words);
        }
        return words[form.lane];
      }
      case "operation": {
        const [first, second] = form.args;
        const fused = this.#target.relaxed && type === "f32" ? this.#multiplyAdd(form.op, form.args, step) : undefined;
        if (fused) return fused;
        const args = form.args.map((arg) => this.value(arg, step));
        const number = second?.form.kind === "literal" ? second.form.value : undefined;
        if (form.op === "exp") return this.#exponential(args[0]);
        // With a number that is none the shorter instructions keep NaN all the same
        if (first.type === "f32" && number !== undefined && !Number.isNaN(number)) {
          if (form.op === "max") return f32x4.pmax(args[0], args[1]);
          if (form.op === "min") return f32x4.pmin(args[0], args[1]);
        }
        return operate(form.op, first.type, type, args, number, this.#target);
      }
      default:
        throw new TypeError(`Cannot write ${form.kind} in a kernel: expected it to be replaced before`);
    }
  }

  /** A sum of a product and something, or something less a product, in one instruction. */
  #multiplyAdd(op: Operation, [x, y]: readonly Expression[], step: number): Code | undefined {
    const factors = ({ form }: Expression) => form.kind === "operation" && form.op === "mul" ? form.args : undefined;
    const product = op === "add" ? factors(y) ?? factors(x) : op === "sub" ? factors(y) : undefined;
    if (!product) return undefined;
    const [a, b] = product.map((factor) => this.value(factor, step));
    const rest = this.value(op === "sub" || factors(y) ? x : y, step);
    return op === "add" ? f32x4.relaxedMadd(a, b, rest) : f32x4.relaxedNmadd(a, b, rest);
  }

  /** In code of its own: a call would make its constants anew each time. */
  #exponential(x: Code): Code {
    this.#exp ??= exponential(
      this.#frame.f,
      this.#target.relaxed,
      (value) => this.#frame.constant(`${value}:f32`, literal(value, "f32")).get,
    );
    return this.#exp(x);
  }

  #depends(x: Expression): boolean {
    let known = this.#dependent.get(x);
    if (known !== undefined) return known;
    const { form } = x;
    known = form.kind === "core" || form.kind === "index" && this.#indexDepends(form.index) ||
      form.kind === "load" && this.#indexDepends(form.position) || argumentsOf(x).some((arg) => this.#depends(arg));
    this.#dependent.set(x, known);
    return known;
  }

  #atomDepends(atom: Atom): boolean {
    if (atom.kind !== "variable") return this.#indexDepends(atom.of);
    return atom.value ? this.#depends(atom.value) : atom.key === this.#loops.lane;
  }

  #indexDepends(index: Index): boolean {
    return index.terms.some(([atom]) => this.#atomDepends(atom));
  }

  /** The index as `rest + stride * lane variable`, if it is. */
  #split(index: Index): { rest: Index; stride: number } | null {
    const { lane } = this.#loops;
    const isLane = (atom: Atom) => atom.kind === "variable" && !atom.value && atom.key === lane;
    const others = index.terms.filter(([atom]) => !isLane(atom));
    if (others.some(([atom]) => this.#atomDepends(atom))) return null;
    const stride = index.terms.find(([atom]) => isLane(atom))?.[1] ?? 0;
    return { rest: affine(others, index.offset), stride };
  }

  /** Code (i32) of an index in one lane. */
  #scalar(index: Index, lane: number): Code {
    const terms = index.terms.map(([atom, c]) => {
      const value = this.#atom(atom, lane);
      return c === 1 ? value : i32.mul(value, i32.const(c));
    });
    if (index.offset !== 0 || terms.length === 0) terms.push(i32.const(index.offset));
    return terms.reduce((a, b) => i32.add(a, b));
  }

  #atom(atom: Atom, lane: number): Code {
    if (atom.kind !== "variable") {
      return (atom.kind === "div" ? i32.divU : i32.remU)(this.#scalar(atom.of, lane), i32.const(atom.by));
    }
    if (atom.value) return i32.extractLane(this.value(atom.value, Math.floor(lane / 4)), lane % 4);
    const { lane: name, first, last, others } = this.#loops;
    if (atom.key !== name) return others.get(atom.key)!.get;
    if (lane === 0) return first.get;
    const at = i32.add(first.get, i32.const(lane));
    return last ? control.select(i32.ltS(at, last.get), at, last.get) : at;
  }

  /** A scalar that is computed once before the loop. */
  #invariant(key: string, value: () => Code): Code {
    let known = this.#scalars.get(key);
    if (!known) {
      const code = value();
      this.#scalars.set(key, known = this.#frame.f.local("i32"));
      this.before.push(known.set(code));
    }
    return known.get;
  }

  #indexVector(index: Index, depends: boolean, step: number): Code {
    const parts = this.#split(index);
    if (!parts) {
      return [0, 1, 2, 3].reduce<Code>(
        (v, l) => i32x4.replaceLane(v, l, this.#scalar(index, 4 * step + l)),
        splatInteger(0),
      );
    }
    const rest = i32x4.splat(this.#scalar(parts.rest, 0));
    if (!depends) return rest;
    const constant = this.#invariantVector(`index ${parts.rest.key}`, () => rest);
    return i32x4.add(constant, i32x4.mul(this.#laneNumbers(step), splatInteger(parts.stride)));
  }

  #invariantVector(key: string, value: () => Code): Code {
    let known = this.#values.get(key);
    if (!known) {
      const code = value();
      this.#values.set(key, known = this.#frame.f.local("v128"));
      this.before.push(known.set(code));
    }
    return known.get;
  }

  #laneNumbers(step: number): Code {
    const numbers = [0, 1, 2, 3].reduce<Code>(
      (v, l) => i32x4.replaceLane(v, l, i32.const(4 * step + l)),
      splatInteger(0),
    );
    return i32x4.add(i32x4.splat(this.#loops.first.get), this.#frame.constant(`lanes ${step}`, numbers).get);
  }

  #load(tensor: Tensor, position: Index, depends: boolean, step: number): Code {
    const base = this.#frame.base(tensor).get;
    const bytes = isHalf(tensor.dtype) ? 2 : 4;
    const inside = staysBelow(position, tensor.size);
    const parts = this.#split(position);
    /** What is read outside is never used, but must be there. */
    const bounded = (at: Code, least: number): Code => {
      const local = this.#frame.f.local("i32");
      const [low, top] = [i32.const(least), i32.const(tensor.size - 1)];
      return [
        local.set(at),
        local.set(control.select(i32.ltS(local.get, low), low, local.get)),
        control.select(i32.gtS(local.get, top), top, local.get),
      ];
    };
    const address = (at: Code): Code => i32.add(base, i32.mul(at, i32.const(bytes)));
    if (!depends) {
      const at = this.#scalar(position, 0);
      const where = address(inside ? at : bounded(at, 0));
      return this.#decoded(
        tensor,
        bytes === 4 ? v128.load32Splat(where) : i32x4.splat(i32.load16U(where)),
      );
    }
    if (parts?.stride === 1) {
      const lanes = this.#loops.first.get;
      if (inside) {
        const row = this.#invariant(
          `row ${this.#frame.base(tensor).index} ${parts.rest.key}`,
          () => address(this.#scalar(parts.rest, 0)),
        );
        const where = i32.add(row, i32.shl(lanes, i32.const(bytes === 4 ? 2 : 1)));
        return this.#decoded(tensor, bytes === 4 ? v128.load(where, 16 * step) : v128.load16x4U(where, 8 * step));
      }
      const at = i32.add(this.#scalar(parts.rest, 0), i32.add(lanes, i32.const(4 * step)));
      // Up to three elements before the first one lie in the vector that holds it
      const where = address(bounded(at, -3));
      return this.#decoded(tensor, bytes === 4 ? v128.load(where) : v128.load16x4U(where));
    }
    const places = [0, 1, 2, 3].map((l) => {
      const at = this.#scalar(position, 4 * step + l);
      return address(inside ? at : bounded(at, 0));
    });
    return this.#decoded(
      tensor,
      bytes === 4
        ? places.slice(1).reduce<Code>((v, where, l) => v128.load32Lane(where, v, l + 1), v128.load32Zero(places[0]))
        : places.reduce<Code>((v, where, l) => i32x4.replaceLane(v, l, i32.load16U(where)), splatInteger(0)),
    );
  }

  /** A value as arithmetic takes it, of words as they are stored. */
  #decoded({ dtype }: Tensor, words: Code): Code {
    if (dtype === "bool") return i32x4.ne(words, splatInteger(0));
    if (!isHalf(dtype)) return words;
    const local = this.#frame.f.local("v128");
    const pool = new ExpressionPool();
    const bits = pool.parameter(0, "u32");
    const write = (x: Expression): Code => {
      if (x === bits) return local.get;
      if (x.form.kind === "literal") return literal(x.form.value, x.type);
      const { op, args } = x.form as Extract<Expression["form"], { kind: "operation" }>;
      const number = args[1]?.form.kind === "literal" ? args[1].form.value : undefined;
      return operate(op, args[0].type, x.type, args.map(write), number, this.#target);
    };
    return [local.set(words), write(fromHalfBits(dtype, bits))];
  }
}

/** Whether an index is sure to lie in [0, size): one that wraps below zero, in whatever part of it, may lie anywhere. */
function staysBelow(index: Index, size: number): boolean {
  return index.min >= 0 && index.max < size &&
    index.terms.every(([atom]) => atom.kind === "variable" || staysBelow(atom.of, Infinity));
}
