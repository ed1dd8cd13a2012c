/** Elementwise operations: common dtype and shape of the operands, then one primitive. */
import { type DType, isFloat, promote } from "../dtype.ts";
import { binary, type BinaryName } from "../primitives/binary.ts";
import { fill } from "../primitives/generate.ts";
import { cast as castPrimitive, select } from "../primitives/select.ts";
import { unary, type UnaryName } from "../primitives/unary.ts";
import { broadcastShapes, type Shape } from "../shape.ts";
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

/** Applies a function of one element. */
export function applyUnary(name: UnaryName, x: Tensor, dtype?: DType): Tensor {
  const input = isFloat(x.dtype) || !REAL.has(name) ? x : cast(x, "f32");
  return new Tensor(unary(name, input), [input], input.shape, dtype ?? input.dtype);
}

/** Applies an operation of two elements, broadcasting. */
export function applyBinary(name: BinaryName, x: Tensor, other: Tensor | number): Tensor {
  const [a, b] = broadcast(x, other, name);
  return new Tensor(binary(name, a, b), [a, b], a.shape, a.dtype);
}

/** Applies a comparison or a logical operation of two elements, broadcasting. */
export function compare(name: BinaryName, x: Tensor, other: Tensor | number): Tensor {
  const [a, b] = broadcast(x, other, name);
  return new Tensor(binary(name, a, b), [a, b], a.shape, "bool");
}

/** x / other. Integers give real quotients rounded toward zero, as torch's `div(rounding_mode="trunc")`. */
export function divide(x: Tensor, other: Tensor | number): Tensor {
  return typeof other === "number" && isFloat(x.dtype) ? x.mul(1 / other) : applyBinary("div", x, other);
}

/** x ** other; common exponents become products. */
export function power(x: Tensor, other: Tensor | number): Tensor {
  if (other === 2) return x.square();
  if (other === 1) return x;
  if (other === 0.5) return x.sqrt();
  if (other === -1) return x.reciprocal();
  if (other === 3) return x.square().mul(x);
  return applyBinary("pow", x, other);
}

/** x where cond holds, other elsewhere. */
export function choose(x: Tensor, cond: Tensor, other: Tensor | number): Tensor {
  const [a, b] = broadcast(x, other, "where");
  const shape = broadcastShapes(cond.shape, a.shape, "where");
  const inputs = [cast(cond, "bool"), a, b].map((t) => t.expand(shape));
  return new Tensor(select(inputs[0], inputs[1], inputs[2]), inputs, shape, a.dtype);
}
