/** Operations of expressions on four lanes. Truth values are masks: all bits of a lane or none. */
import { type Code, control, f32, f32x4, i32, i32x4, math, v128, type WasmTarget } from "@dipp/kernels/wasm";
import type { Operation, ScalarType } from "../expression.ts";

/** Four copies of a float. */
export const splat = (value: number): Code => f32x4.splat(f32.const(value));
/** Four copies of an integer. */
export const splatInteger = (value: number): Code => i32x4.splat(i32.const(value));

/** Four copies of a number of a type. */
export function literal(value: number, type: ScalarType): Code {
  if (type === "f32") return splat(value);
  return splatInteger(type === "bool" ? (value ? -1 : 0) : value);
}

type Table = Partial<Record<Operation, (x: Code, y: Code) => Code>>;

const FLOATS: Table = {
  neg: f32x4.neg,
  abs: f32x4.abs,
  // NaN fails both comparisons
  sign: (x) => f32x4.sub(v128.and(f32x4.gt(x, splat(0)), splat(1)), v128.and(f32x4.lt(x, splat(0)), splat(1))),
  floor: f32x4.floor,
  ceil: f32x4.ceil,
  round: f32x4.nearest,
  sqrt: f32x4.sqrt,
  inverseSqrt: (x) => f32x4.div(splat(1), f32x4.sqrt(x)),
  add: f32x4.add,
  sub: f32x4.sub,
  mul: f32x4.mul,
  div: f32x4.div,
  min: f32x4.min,
  max: f32x4.max,
  eq: f32x4.eq,
  ne: f32x4.ne,
  lt: f32x4.lt,
  le: f32x4.le,
  gt: f32x4.gt,
  ge: f32x4.ge,
};

const INTEGERS: Table = {
  neg: i32x4.neg,
  add: i32x4.add,
  sub: i32x4.sub,
  mul: i32x4.mul,
  and: v128.and,
  or: v128.or,
  xor: v128.xor,
  eq: i32x4.eq,
  ne: i32x4.ne,
};

const SIGNED: Table = {
  abs: i32x4.abs,
  sign: (x) => i32x4.sub(i32x4.ltS(x, splatInteger(0)), i32x4.gtS(x, splatInteger(0))),
  div: (x, y) => lanes(x, y, i32.divS),
  min: i32x4.minS,
  max: i32x4.maxS,
  lt: i32x4.ltS,
  le: i32x4.leS,
  gt: i32x4.gtS,
  ge: i32x4.geS,
};

const UNSIGNED: Table = {
  div: (x, y) => lanes(x, y, i32.divU),
  min: i32x4.minU,
  max: i32x4.maxU,
  lt: i32x4.ltU,
  le: i32x4.leU,
  gt: i32x4.gtU,
  ge: i32x4.geU,
};

const BOOLS: Table = {
  not: v128.not,
  and: v128.and,
  or: v128.or,
  xor: v128.xor,
  eq: (x, y) => v128.not(v128.xor(x, y)),
  ne: v128.xor,
};

/** An operation that there is for scalars only; a zero divisor gives zero. */
function lanes(x: Code, y: Code, op: (x: Code, y: Code) => Code): Code {
  return [0, 1, 2, 3].reduce<Code>((result, lane) => {
    const divisor = i32.extractLane(y, lane);
    const isZero = i32.eqz(divisor);
    const quotient = op(i32.extractLane(x, lane), control.select(isZero, i32.const(1), divisor));
    return i32x4.replaceLane(result, lane, control.select(isZero, i32.const(0), quotient));
  }, splatInteger(0));
}

/** f32 of the f16 in the lower half of each lane, exactly. */
function unpackF16(x: Code): Code {
  const magnitude = i32x4.shl(v128.and(x, splatInteger(0x7fff)), i32.const(13));
  // The exponent's bias changes by a product, which also makes denormal numbers right
  const finite = f32x4.mul(magnitude, splat(2 ** 112));
  const isFinite = i32x4.ltU(v128.and(x, splatInteger(0x7fff)), splatInteger(0x7c00));
  const special = v128.or(magnitude, splatInteger(0x7f800000));
  const sign = i32x4.shl(v128.and(x, splatInteger(0x8000)), i32.const(16));
  return v128.or(v128.bitselect(finite, special, isFinite), sign);
}

function convert(x: Code, from: ScalarType, to: ScalarType): Code {
  if (from === "bool") return v128.and(x, to === "f32" ? splat(1) : splatInteger(1));
  if (to === "f32") return from === "i32" ? f32x4.convertI32x4S(x) : f32x4.convertI32x4U(x);
  if (from === "f32") return to === "i32" ? i32x4.truncSatF32x4S(x) : i32x4.truncSatF32x4U(x);
  return x;
}

/**
 * Code of an operation.
 *
 * @param op Which.
 * @param from Type of its first operand.
 * @param to Type of the result.
 * @param args Code of the operands, without side effects: it may appear several times.
 * @param shift The second operand where it is a known integer, which shifts need.
 * @param target What the machine can do.
 */
export function operate(
  op: Operation,
  from: ScalarType,
  to: ScalarType,
  args: readonly Code[],
  shift: number | undefined,
  target: WasmTarget,
): Code {
  const [x, y, z] = args;
  switch (op) {
    case "select":
      return v128.bitselect(y, z, x);
    case "convert":
      return convert(x, from, to);
    case "bitcast":
      return x;
    case "unpackF16":
      return unpackF16(x);
    case "exp":
    case "log":
    case "sin":
    case "cos":
    case "pow":
      return control.call(math(op, target), ...args);
    case "shiftLeft":
    case "shiftRight":
      if (shift === undefined) throw new TypeError(`Cannot shift by ${op} of a computed number: expected a constant`);
      return (op === "shiftLeft" ? i32x4.shl : from === "i32" ? i32x4.shrS : i32x4.shrU)(x, i32.const(shift));
  }
  const tables = from === "f32" ? [FLOATS] : from === "bool" ? [BOOLS] : [INTEGERS, from === "i32" ? SIGNED : UNSIGNED];
  const found = tables.map((table) => table[op]).find((f) => f !== undefined);
  if (!found) throw new TypeError(`There is no operation ${op} of ${from} in WebAssembly kernels`);
  return found(x, y);
}
