/** Elementwise primitives in double precision, by name. */
import { isFloat } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";

/** Abramowitz and Stegun 7.1.5 (the series) and 7.1.14 (the continued fraction), to double precision. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = a, sum = a;
    for (let n = 1; n < 80; n++) sum += (term *= -a * a / n) / (2 * n + 1);
    return Math.sign(x) * 2 / Math.sqrt(Math.PI) * sum;
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

/** Ties to even. */
function round(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const isReal = ({ inputs }: Tensor) => isFloat(inputs[0].dtype);

/** One element of the result, given one of each input. */
export const ELEMENTWISE: Readonly<Record<string, (node: Tensor, ...x: number[]) => number>> = {
  neg: (_, x) => -x,
  abs: (_, x) => Math.abs(x),
  sign: (_, x) => Math.sign(x),
  floor: (_, x) => Math.floor(x),
  ceil: (_, x) => Math.ceil(x),
  round: (_, x) => round(x),
  exp: (_, x) => Math.exp(x),
  log: (_, x) => Math.log(x),
  sqrt: (_, x) => Math.sqrt(x),
  rsqrt: (_, x) => 1 / Math.sqrt(x),
  square: (_, x) => x * x,
  reciprocal: (_, x) => 1 / x,
  sin: (_, x) => Math.sin(x),
  cos: (_, x) => Math.cos(x),
  tanh: (_, x) => Math.tanh(x),
  sigmoid: (_, x) => sigmoid(x),
  silu: (_, x) => x * sigmoid(x),
  relu: (_, x) => Math.max(x, 0),
  softplus: (_, x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  erf: (_, x) => erf(x),
  gelu: (_, x) => x / 2 * (1 + erf(x * Math.SQRT1_2)),
  geluTanh: (_, x) => x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  isFinite: (_, x) => +Number.isFinite(x),
  isNaN: (_, x) => +Number.isNaN(x),
  logicalNot: (_, x) => +!x,
  add: (_, x, y) => x + y,
  sub: (_, x, y) => x - y,
  mul: (_, x, y) => x * y,
  div: (node, x, y) => isReal(node) ? x / y : Math.trunc(x / y),
  pow: (_, x, y) => x ** y,
  maximum: (_, x, y) => Math.max(x, y),
  minimum: (_, x, y) => Math.min(x, y),
  eq: (_, x, y) => +(x === y),
  ne: (_, x, y) => +(x !== y),
  lt: (_, x, y) => +(x < y),
  le: (_, x, y) => +(x <= y),
  gt: (_, x, y) => +(x > y),
  ge: (_, x, y) => +(x >= y),
  logicalAnd: (_, x, y) => +(x && y),
  logicalOr: (_, x, y) => +(x || y),
  where: (_, cond, x, y) => cond ? x : y,
  cast: ({ dtype }, x) => isFloat(dtype) ? x : dtype === "bool" ? +(x !== 0) : Math.trunc(x),
};
