/** Elementwise operations: common dtype and shape of the operands, then one primitive. */
import { type DType, isFloat, promote } from "../dtype.ts";
import { binary, type BinaryName } from "../primitives/binary.ts";
import { fill } from "../primitives/generate.ts";
import { cast as castPrimitive, select } from "../primitives/select.ts";
import { unary, type UnaryName } from "../primitives/unary.ts";
import { broadcastShapes, type Shape, show } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** A tensor that holds one value everywhere without memory. */
export function full(shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  return new Tensor(fill(value, dtype), [], [...shape], dtype);
}

/** The same values in another dtype. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return dtype === x.dtype ? x : new Tensor(castPrimitive(x, dtype), [x], x.shape, dtype);
}

/** Both operands in one dtype and one shape. A number takes the tensor's dtype where it fits it. */
export function broadcast(x: Tensor, other: Tensor | number, op: string): [Tensor, Tensor] {
  if (typeof other === "number") {
    const dtype = isFloat(x.dtype) || Number.isInteger(other) ? (x.dtype === "bool" ? "i32" : x.dtype) : "f32";
    return [cast(x, dtype), full(x.shape, other, dtype)];
  }
  const dtype = promote(x.dtype, other.dtype);
  const shape = broadcastShapes(x.shape, other.shape, op);
  return [cast(x, dtype).expand(shape), cast(other, dtype).expand(shape)];
}

/** Functions whose results are real: integers are converted first, as NumPy and torch do. */
const REAL: ReadonlySet<UnaryName> = new Set<UnaryName>(
  // deno-fmt-ignore
  ["exp", "log", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tanh", "erf", "sigmoid", "silu", "softplus", "gelu", "geluTanh"],
);

/** Functions that change nothing of an integer. */
const WHOLE: ReadonlySet<UnaryName> = new Set<UnaryName>(["floor", "ceil", "round"]);
/** Functions of numbers with a sign. */
const SIGNED: ReadonlySet<UnaryName> = new Set<UnaryName>(["neg", "sign"]);

/** The operand in a dtype that the function is defined for; truth values count as 0 and 1. */
function operand(name: UnaryName, x: Tensor): Tensor {
  if (isFloat(x.dtype) || name === "logicalNot") return x;
  if (REAL.has(name)) return cast(x, "f32");
  return x.dtype === "bool" || x.dtype === "u32" && SIGNED.has(name) ? cast(x, "i32") : x;
}

/** Applies a function of one element. */
export function applyUnary(name: UnaryName, x: Tensor, dtype?: DType): Tensor {
  const input = operand(name, x);
  if (!isFloat(input.dtype) && WHOLE.has(name)) return input;
  if (!isFloat(input.dtype) && name === "relu") return input.maximum(0);
  return new Tensor(unary(name, input), [input], input.shape, dtype ?? input.dtype);
}

/** What sums, products and extremes of truth values are. */
const OF_TRUTHS: Readonly<Partial<Record<BinaryName, BinaryName>>> = {
  add: "logicalOr",
  mul: "logicalAnd",
  maximum: "logicalOr",
  minimum: "logicalAnd",
};

/** Applies an operation of two elements, broadcasting. */
export function applyBinary(name: BinaryName, x: Tensor, other: Tensor | number): Tensor {
  const [a, b] = broadcast(x, other, name);
  if (a.dtype === "bool") {
    const logical = OF_TRUTHS[name];
    if (logical) return compare(logical, a, b);
    throw new TypeError(
      `Cannot apply ${name} to bool tensors of shapes ${show(a.shape)} and ${show(b.shape)}: expected numbers, or ne ` +
        `for their difference`,
    );
  }
  return new Tensor(binary(name, a, b), [a, b], a.shape, a.dtype);
}

const ORDER: ReadonlySet<BinaryName> = new Set<BinaryName>(["lt", "le", "gt", "ge"]);

/** Applies a comparison or a logical operation of two elements, broadcasting. */
export function compare(name: BinaryName, x: Tensor, other: Tensor | number): Tensor {
  const pair = broadcast(x, other, name);
  // WGSL does not order truth values
  const [a, b] = pair[0].dtype === "bool" && ORDER.has(name) ? pair.map((t) => cast(t, "i32")) : pair;
  return new Tensor(binary(name, a, b), [a, b], a.shape, "bool");
}

/** x / other; real also where both are integers, as in NumPy and torch. */
export function divide(x: Tensor, other: Tensor | number): Tensor {
  const real = isFloat(x.dtype) || typeof other !== "number" && isFloat(other.dtype) ? x : cast(x, "f32");
  return typeof other === "number" ? real.mul(1 / other) : applyBinary("div", real, other);
}

/** Largest integer not above x / other; of integers exact, and then a divisor of zero gives no meaningful number. */
export function floorDivide(x: Tensor, other: Tensor | number): Tensor {
  const [a, b] = broadcast(x, other, "floorDivide");
  if (isFloat(a.dtype)) return applyBinary("div", a, b).floor();
  const [n, d] = a.dtype === "bool" ? [cast(a, "i32"), cast(b, "i32")] : [a, b];
  const quotient = applyBinary("div", n, d);
  if (n.dtype === "u32") return quotient;
  // The device rounds toward zero
  const isAbove = quotient.mul(d).ne(n).logicalAnd(n.lt(0).ne(d.lt(0)));
  return quotient.sub(isAbove.cast("i32"));
}

/** x ** other; common exponents become products. */
export function power(x: Tensor, other: Tensor | number): Tensor {
  if (other === 2) return x.square();
  if (other === 1) return x;
  if (other === 0.5) return x.sqrt();
  if (other === -1) return x.reciprocal();
  if (other === 3) return x.square().mul(x);
  const [a, b] = broadcast(x, other, "pow");
  // The device's powers are real: of integers they are exact up to 2^24
  if (!isFloat(a.dtype)) return applyBinary("pow", cast(a, "f32"), cast(b, "f32")).round().cast(a.dtype);
  return applyBinary("pow", a, b);
}

/** x where cond holds, other elsewhere. */
export function choose(x: Tensor, cond: Tensor, other: Tensor | number): Tensor {
  const [a, b] = broadcast(x, other, "where");
  const shape = broadcastShapes(cond.shape, a.shape, "where");
  const inputs = [cast(cond, "bool"), a, b].map((t) => t.expand(shape));
  return new Tensor(select(inputs[0], inputs[1], inputs[2]), inputs, shape, a.dtype);
}
