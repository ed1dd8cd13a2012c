/**
 * What a graph means: every node evaluated on its own, in double precision, by plain loops. Slow and simple, it knows
 * nothing of fusion, addresses, buffers or kernels, so that these can be tested against it.
 *
 * @module
 */
import type { Emitter, ReducePrimitive } from "../primitive.ts";
import { constant, type Index } from "../schedule/index_expression.ts";
import { stridesOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { attention } from "./attention.ts";
import { convolution } from "./convolution.ts";
import { ELEMENTWISE } from "./elementwise.ts";

/** How to evaluate. */
export interface EvaluateOptions {
  /** Elements of the leaves. */
  readonly given: ReadonlyMap<Tensor, ArrayLike<number>>;
  /** Changes every computed real number, to see how much that matters. */
  readonly disturb?: (value: number) => number;
}

/** The elements of `outputs`, row-major. */
export function evaluate(outputs: readonly Tensor[], { given, disturb }: EvaluateOptions): Float64Array[] {
  const known = new Map<Tensor, Float64Array>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const missing = given.has(node) ? [] : node.inputs.filter((t) => !known.has(t));
    if (missing.length > 0) {
      stack.push(...missing);
      continue;
    }
    stack.pop();
    if (known.has(node)) continue;
    const values = given.has(node)
      ? Float64Array.from(given.get(node)!)
      : compute(node, node.inputs.map((t) => known.get(t)!));
    const isExact = given.has(node) || node.primitive.kind === "inline" && node.primitive.view ||
      !node.dtype.includes("f");
    known.set(node, disturb && !isExact ? values.map(disturb) : values);
  }
  return outputs.map((t) => known.get(t)!);
}

function compute(node: Tensor, inputs: readonly Float64Array[]): Float64Array {
  const { primitive } = node;
  switch (primitive.kind) {
    case "inline":
      return inline(node, inputs);
    case "reduce":
      return reduce(node, inputs[0], primitive.axes, primitive.combine);
    case "matmul":
      return matmul(node, inputs[0], inputs[1]);
    case "conv2d":
      return convolution(primitive, inputs[0], inputs[1]);
    case "attention":
      return attention(node, inputs);
    case "concat":
      return concat(node, primitive.starts, inputs);
    default:
      throw new TypeError(
        `The reference can not evaluate ${node}: expected its elements, or a primitive that it knows`,
      );
  }
}

function concat(node: Tensor, starts: readonly number[], inputs: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(node.size);
  inputs.forEach((x, i) => out.set(x, starts[i]));
  return out;
}

/** Calls `visit` with every position of a shape, in row-major order. */
function positions(shape: readonly number[], visit: (coords: readonly number[], i: number) => void): void {
  const coords = shape.map(() => 0);
  const size = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < size; i++) {
    visit(coords, i);
    for (let axis = shape.length - 1; axis >= 0 && ++coords[axis] === shape[axis]; axis--) coords[axis] = 0;
  }
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);

function reduce(
  node: Tensor,
  x: Float64Array,
  axes: readonly number[],
  combine: ReducePrimitive["combine"],
): Float64Array {
  const start = { sum: 0, prod: 1, max: -3.4028234663852886e38, min: 3.4028234663852886e38 }[combine];
  const out = new Float64Array(node.size).fill(start);
  const strides = stridesOf(node.shape).map((s, axis) => axes.includes(axis) ? 0 : s);
  positions(node.inputs[0].shape, (coords, i) => {
    const at = dot(coords, strides);
    if (combine === "sum") out[at] += x[i];
    else if (combine === "prod") out[at] *= x[i];
    else out[at] = Math[combine](out[at], x[i]);
  });
  return out;
}

function matmul(node: Tensor, a: Float64Array, b: Float64Array): Float64Array {
  const [m, n] = node.shape.slice(-2);
  const k = node.inputs[0].shape[node.ndim - 1];
  return Float64Array.from({ length: node.size }, (_, i) => {
    const [z, row, column] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n];
    let sum = 0;
    for (let j = 0; j < k; j++) sum += a[(z * m + row) * k + j] * b[(z * k + j) * n + column];
    return sum;
  });
}

function inline(node: Tensor, inputs: readonly Float64Array[]): Float64Array {
  const { primitive, shape } = node;
  const f = ELEMENTWISE[primitive.name];
  const out = new Float64Array(node.size);
  if (f) { for (let i = 0; i < out.length; i++) out[i] = f(node, ...inputs.map((x) => x[i])); }
  else positions(shape, (coords, i) => out[i] = moved(node, inputs, coords));
  return out;
}

/** One element of a primitive that moves elements, or makes them of their positions: emitted at known coordinates. */
function moved(node: Tensor, inputs: readonly Float64Array[], coords: readonly number[]): number {
  const reads: number[] = [];
  let chosen: number | undefined;
  const emitter: Emitter = {
    value(tensor: Tensor, at: readonly Index[]): string {
      // A coordinate that is no number is the one that a gather has just read
      const place = at.map((c) => c.terms.length > 0 ? chosen! : c.offset);
      const isInside = place.every((c, axis) => c >= 0 && c < tensor.shape[axis]);
      const value = isInside ? inputs[node.inputs.indexOf(tensor)][dot(place, stridesOf(tensor.shape))] : NaN;
      reads.push(value);
      return isInside ? "inside" : "outside";
    },
    bind(expression: string): string {
      const limit = /^min\(u32\((?:inside)\), (\d+)u\)$/.exec(expression);
      if (limit) chosen = Math.min(reads.pop()!, Number(limit[1]));
      return "bound";
    },
    helper: () => {},
  };
  if (node.primitive.kind !== "inline") throw new TypeError(`${node} is not computed element by element`);
  const text = node.primitive.emit(emitter, node, coords.map((c) => constant(c)));
  const padded = /^select\((.+), (inside|outside), bound\)$/.exec(text);
  if (padded?.[2] === "outside") return literal(padded[1]);
  return reads.length > 0 ? reads[reads.length - 1] : literal(text);
}

/** The number that a WGSL literal stands for. */
function literal(text: string): number {
  if (text === "true" || text === "false") return Number(text === "true");
  const bits: Record<string, number> = { "0x7fc00000": NaN, "0x7f800000": Infinity, "0xff800000": -Infinity };
  const special = /^dipp_bits\((\w+)u\)$/.exec(text);
  if (special) return bits[special[1]];
  const number = /^(?:[a-z]+\d+)?\(?(-?[\d.e+-]+)[uf]?\)?$/.exec(text);
  if (!number) throw new TypeError(`The reference can not read ${text}: expected a number`);
  return Number(number[1]);
}
