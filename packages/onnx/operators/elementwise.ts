/** Arithmetic, comparison and logic, element by element. */
import { type Tensor, where } from "@dipp/tensor";
import { type ElementType, elementType, isFloat } from "../element_type.ts";
import { mapHost } from "../host.ts";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { Value } from "../value.ts";

type Host = (...elements: number[]) => number;

/** A function of one tensor. */
function unary(device: (x: Tensor) => Tensor, host?: Host, since = 1): Operator {
  return {
    since,
    apply: (call) => call.result(device(call.tensor(0))),
    ...(host && { host: (_: Call, [x]) => mapHost(host, x.type, x) }),
  };
}

/** A function of two tensors that broadcast. */
function binary(device: (x: Tensor, y: Tensor, call: Call) => Tensor, host: (call: Call) => Host): Operator {
  return {
    since: 1,
    apply: (call) => call.result(device(call.tensor(0), call.tensor(1), call)),
    host: (call, [x, y]) => mapHost(host(call), x.type, x, y),
  };
}

/** A function of any number of tensors, from the left to the right. */
function variadic(device: (x: Tensor, y: Tensor) => Tensor, host: Host): Operator {
  return {
    since: 1,
    apply: (call) => call.result(call.inputs.map((_, i) => call.tensor(i)).reduce(device)),
    host: (_, [first, ...rest]) => rest.reduce((x, y) => mapHost(host, x.type, x, y), first),
  };
}

/** A truth value of two tensors that broadcast. */
function comparison(device: (x: Tensor, y: Tensor) => Tensor, host: (x: number, y: number) => boolean): Operator {
  return {
    since: 1,
    apply: (call) => call.result(device(call.tensor(0), call.tensor(1)), "bool"),
    host: (_, [x, y]) => mapHost((a, b) => Number(host(a, b)), "bool", x, y),
  };
}

/** A truth value of one tensor. */
function predicate(
  device: (x: Tensor, call: Call) => Tensor,
  host: (x: number, call: Call) => boolean,
  since = 1,
): Operator {
  return {
    since,
    apply: (call) => call.result(device(call.tensor(0), call), "bool"),
    host: (call, [x]) => mapHost((a) => Number(host(a, call)), "bool", x),
  };
}

/** Quotient of integers, toward zero as in C. */
function truncate(x: Tensor, y: Tensor): Tensor {
  const size = x.abs().floorDivide(y.abs());
  return size.mul(x.sign()).mul(y.sign());
}

/** What is left of x: of the sign of x as in C (fmod), or of y as in Python. */
function modulo(x: Tensor, y: Tensor, call: Call): Tensor {
  if (!call.attributes.int("fmod")) return x.remainder(y);
  const rest = x.abs().remainder(y.abs());
  return rest.where(x.ge(0), rest.neg());
}

const power: Operator = {
  since: 1,
  apply: (call) => {
    const exponent = call.input(1);
    // A known exponent gives a product or a root, whose gradient is finite where that of the logarithm is not
    const known = exponent.size === 1 && !exponent.isParameter ? exponent.host?.[0] : undefined;
    if (known === undefined) return call.result(call.tensor(0).pow(exponent.tensor));
    const x = call.tensor(0);
    return call.result(x.pow(known).expand(x.shape.length < exponent.ndim ? exponent.shape.map(() => 1) : x.shape));
  },
  host: (_, [x, y]) => mapHost(Math.pow, x.type, x, y),
};

const cast: Operator = {
  since: 1,
  apply: (call) => convert(call, castType(call.attributes.int("to"))),
  host: (call, [x]) => mapHost((a) => a, castType(call.attributes.int("to")), x),
};

function castType(number: number | undefined): ElementType {
  if (number === undefined) throw new SyntaxError("attribute to is missing");
  return elementType(number);
}

function convert(call: Call, type: ElementType): Value {
  const x = call.input(0);
  // Of an integer type narrower than the device's, what does not fit wraps round
  if (isFloat(x.type) && !isFloat(type) && type !== "bool") return Value.ofTensor(towardZero(x.tensor), type);
  return Value.ofTensor(x.tensor, type);
}

function towardZero(x: Tensor): Tensor {
  return x.floor().where(x.ge(0), x.ceil());
}

const clip: Operator = {
  since: 1,
  apply: (call) => {
    const x = call.tensor(0);
    const bound = (index: number, name: string) => {
      const value = call.inputs[index];
      if (value && value.size !== 1) throw new RangeError(`${name} has shape [${value.shape}]: expected one number`);
      return value?.host ? value.host[0] : value ? value.tensor.reshape([]) : call.attributes.float(name);
    };
    let y = x;
    const [min, max] = [bound(1, "min"), bound(2, "max")];
    // Not clamp: NaN aside the same, and bounds may be tensors
    if (min !== undefined) y = typeof min === "number" ? lower(y, min) : y.where(y.ge(min), min);
    if (max !== undefined) y = typeof max === "number" ? upper(y, max) : y.where(y.le(max), max);
    return call.result(y);
  },
  host: (call, [x, min, max]) => {
    const low = min ? min.data[0] : call.attributes.float("min") ?? -Infinity;
    const high = max ? max.data[0] : call.attributes.float("max") ?? Infinity;
    return mapHost((a) => Math.min(high, Math.max(low, a)), x.type, x);
  },
};

const lower = (x: Tensor, min: number) => min <= -3e38 ? x : x.clamp(min);
const upper = (x: Tensor, max: number) => max >= 3e38 ? x : x.clamp(undefined, max);

const choose: Operator = {
  since: 9,
  apply: (call) => call.result(where(call.tensor(0), call.tensor(1), call.tensor(2)), call.input(1).type),
  host: (_, [cond, x, y]) => mapHost((c, a, b) => c ? a : b, x.type, cond, x, y),
};

const infinite: Operator = predicate(
  (x, { attributes }) => {
    const [negative, positive] = [attributes.int("detect_negative") ?? 1, attributes.int("detect_positive") ?? 1];
    const isInfinite = x.isFinite().logicalOr(x.isNaN()).logicalNot();
    if (negative && positive) return isInfinite;
    return isInfinite.logicalAnd(negative ? x.lt(0) : x.gt(0));
  },
  (x) => x === Infinity || x === -Infinity,
  10,
);

/** The operators of arithmetic and logic. */
export const elementwise: OperatorTable = {
  Add: binary((x, y) => x.add(y), () => (x, y) => x + y),
  Sub: binary((x, y) => x.sub(y), () => (x, y) => x - y),
  Mul: binary((x, y) => x.mul(y), () => (x, y) => x * y),
  Div: binary(
    (x, y, call) => call.input(0).isFloat ? x.div(y) : truncate(x, y),
    (call) => (x, y) => call.input(0).isFloat ? x / y : Math.trunc(x / y),
  ),
  Mod: binary(modulo, (call) => (x, y) => call.attributes.int("fmod") ? x % y : x - y * Math.floor(x / y)),
  Pow: power,
  Min: variadic((x, y) => x.minimum(y), Math.min),
  Max: variadic((x, y) => x.maximum(y), Math.max),
  Sum: variadic((x, y) => x.add(y), (x, y) => x + y),
  Mean: {
    since: 1,
    apply: (call) =>
      call.result(call.inputs.map((_, i) => call.tensor(i)).reduce((x, y) => x.add(y)).div(call.inputs.length)),
  },

  Neg: unary((x) => x.neg(), (x) => -x),
  Abs: unary((x) => x.abs(), Math.abs),
  Sign: unary((x) => x.sign(), Math.sign, 9),
  Floor: unary((x) => x.floor(), Math.floor),
  Ceil: unary((x) => x.ceil(), Math.ceil),
  Round: unary((x) => x.round(), roundEven, 11),
  Exp: unary((x) => x.exp(), Math.exp),
  Log: unary((x) => x.log(), Math.log),
  Sqrt: unary((x) => x.sqrt(), Math.sqrt),
  Reciprocal: unary((x) => x.reciprocal(), (x) => 1 / x),
  Sin: unary((x) => x.sin(), Math.sin, 7),
  Cos: unary((x) => x.cos(), Math.cos, 7),
  Tan: unary((x) => x.sin().div(x.cos()), Math.tan, 7),
  Sinh: unary((x) => x.exp().sub(x.neg().exp()).mul(0.5), Math.sinh, 9),
  Cosh: unary((x) => x.exp().add(x.neg().exp()).mul(0.5), Math.cosh, 9),
  Tanh: unary((x) => x.tanh(), Math.tanh),
  Erf: unary((x) => x.erf(), undefined, 9),
  Identity: { since: 1, apply: (call) => call.input(0), host: (_, [x]) => x },
  Dropout: {
    since: 1,
    apply: (call) => {
      if (call.outputs > 1) throw new RangeError("the mask of a dropout is wanted, which inference has not");
      return call.input(0);
    },
  },

  Equal: comparison((x, y) => x.eq(y), (x, y) => x === y),
  Greater: comparison((x, y) => x.gt(y), (x, y) => x > y),
  Less: comparison((x, y) => x.lt(y), (x, y) => x < y),
  GreaterOrEqual: comparison((x, y) => x.ge(y), (x, y) => x >= y),
  LessOrEqual: comparison((x, y) => x.le(y), (x, y) => x <= y),
  And: comparison((x, y) => x.logicalAnd(y), (x, y) => x !== 0 && y !== 0),
  Or: comparison((x, y) => x.logicalOr(y), (x, y) => x !== 0 || y !== 0),
  Xor: comparison((x, y) => x.ne(y), (x, y) => x !== y),
  Not: predicate((x) => x.logicalNot(), (x) => x === 0),
  IsNaN: predicate((x) => x.isNaN(), Number.isNaN, 9),
  IsInf: infinite,
  Where: choose,
  Clip: clip,
  Cast: cast,
  CastLike: { since: 15, apply: (call) => convert(call, call.input(1).type) },
};

/** Nearest integer, ties to even. */
function roundEven(x: number): number {
  const near = Math.round(x);
  return Math.abs(x % 1) === 0.5 && near % 2 !== 0 ? near - 1 : near;
}
