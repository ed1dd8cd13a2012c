/**
 * What a graph means: every node evaluated on its own, in double precision, by plain loops. Slow and simple, it knows
 * nothing of fusion, addresses, buffers or kernels, so that these can be tested against it.
 *
 * @module
 */
import { scalarType } from "../dtype.ts";
import type { ReducePrimitive } from "../primitive.ts";
import { Emission } from "../schedule/emission.ts";
import type { Expression } from "../schedule/expression.ts";
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
  const { primitive } = node;
  if (primitive.kind !== "inline") throw new TypeError(`${node} is not computed element by element`);
  return numberOf(primitive.emit(new KnownReads(node, inputs), node, coords.map((c) => constant(c))));
}

/** Reads elements that are known, at coordinates that are known. */
class KnownReads extends Emission {
  readonly #node: Tensor;
  readonly #inputs: readonly Float64Array[];

  constructor(node: Tensor, inputs: readonly Float64Array[]) {
    super(() => true);
    this.#node = node;
    this.#inputs = inputs;
  }

  override value(tensor: Tensor, coords: readonly Index[]): Expression {
    const place = coords.map(positionOf);
    const isInside = place.every((c, axis) => c >= 0 && c < tensor.shape[axis]);
    const elements = this.#inputs[this.#node.inputs.indexOf(tensor)];
    return this.literal(isInside ? elements[dot(place, stridesOf(tensor.shape))] : NaN, scalarType(tensor.dtype));
  }
}

function positionOf(index: Index): number {
  return index.terms.reduce((sum, [atom, c]) => {
    if (atom.kind !== "variable" || !atom.value) {
      throw new TypeError(`The reference can not evaluate index ${index.key}`);
    }
    return sum + c * numberOf(atom.value);
  }, index.offset);
}

/** The number that an expression without loads stands for, as far as moving elements takes operations. */
function numberOf({ type, form }: Expression): number {
  if (form.kind === "literal") return form.value;
  if (form.kind === "index") return positionOf(form.index);
  const [x, y, z] = form.kind === "operation" ? form.args.map(numberOf) : [];
  switch (form.kind === "operation" ? form.op : form.kind) {
    case "convert":
      return type === "f32"
        ? x
        : type === "bool"
        ? Number(x !== 0)
        : Math.max(type === "u32" ? 0 : -Infinity, Math.trunc(x));
    case "min":
      return Math.min(x, y);
    case "ge":
      return Number(x >= y);
    case "lt":
      return Number(x < y);
    case "and":
      return Number(x !== 0 && y !== 0);
    case "select":
      return x ? y : z;
    default:
      throw new TypeError(`The reference can not evaluate ${form.kind}: expected a number, or what moves elements`);
  }
}
