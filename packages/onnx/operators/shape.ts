/** Shapes, and the same elements under others. */
import { concatHost, expandHost, mapHost, permuteHost, reshapeHost, store, takeHost, viewHost } from "../host.ts";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { broadcastShapes, normalizeAxis, type Shape, show, sizeOf, stridesOf } from "../shape.ts";
import { decodeTensor, type HostArray } from "../tensor_data.ts";
import { Value } from "../value.ts";
import { cat } from "@dipp/tensor";

/** An operator that only changes the shape. */
function reshaping(since: number, shapeOf: (call: Call) => Shape): Operator {
  return {
    since,
    apply: (call) => call.result(call.tensor(0).reshape(shapeOf(call))),
    host: (call, [x]) => reshapeHost(x, shapeOf(call)),
  };
}

function reshaped(call: Call): Shape {
  const { shape, size } = call.input(0);
  const wanted = call.ints(1, "shape");
  if (!wanted) throw new SyntaxError("input 1 (shape) is missing");
  const allowZero = call.attributes.int("allowzero") === 1;
  const filled = wanted.map((n, i) => n === 0 && !allowZero ? shape[i] ?? 0 : n);
  const known = filled.reduce((a, n) => n === -1 ? a : a * n, 1);
  const result = filled.map((n) => n === -1 ? size / known : n);
  if (sizeOf(result) === size && result.every((n) => Number.isInteger(n) && n >= 0)) return result;
  throw new RangeError(`cannot reshape ${show(shape)} to ${show(wanted)}: expected ${size} elements`);
}

function unsqueezed(call: Call): Shape {
  const axes = call.ints(1, "axes") ?? [];
  const { shape } = call.input(0);
  const ndim = shape.length + axes.length;
  const ones = new Set(axes.map((a) => normalizeAxis(a, ndim)));
  const rest = shape.values();
  return Array.from({ length: ndim }, (_, i) => ones.has(i) ? 1 : rest.next().value ?? 1);
}

function squeezed(call: Call): Shape {
  const { shape } = call.input(0);
  const axes = call.ints(1, "axes")?.map((a) => normalizeAxis(a, shape.length));
  const wrong = axes?.find((a) => shape[a] !== 1);
  if (wrong !== undefined) throw new RangeError(`cannot squeeze axis ${wrong} of ${show(shape)}: expected length 1`);
  return shape.filter((n, i) => axes ? !axes.includes(i) : n !== 1);
}

function flattened(call: Call): Shape {
  const { shape } = call.input(0);
  const axis = call.attributes.int("axis") ?? 1;
  const at = axis === shape.length ? axis : normalizeAxis(axis, shape.length);
  return [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))];
}

function order(call: Call): readonly number[] {
  const { ndim } = call.input(0);
  return call.attributes.ints("perm") ?? Array.from({ length: ndim }, (_, i) => ndim - 1 - i);
}

/** One axis of a slice: first position, step, and how many. */
interface Span {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** The parts of all axes (Slice; attributes before opset 10). */
function spans(call: Call): Span[] {
  const { shape } = call.input(0);
  const [starts, ends] = [call.ints(1, "starts"), call.ints(2, "ends")];
  if (!starts || !ends) throw new SyntaxError("starts or ends are missing");
  const axes = call.ints(3, "axes") ?? starts.map((_, i) => i);
  const steps = call.ints(4, "steps") ?? starts.map(() => 1);
  const result: Span[] = shape.map((n) => ({ start: 0, step: 1, count: n }));
  axes.forEach((axis, i) => {
    const at = normalizeAxis(axis, shape.length);
    const [n, step] = [shape[at], steps[i]];
    if (step === 0) throw new RangeError(`the step along axis ${axis} is 0: expected another integer`);
    const clamp = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v < 0 ? v + n : v));
    const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
    const [start, end] = [clamp(starts[i], Math.max(low, 0), high), clamp(ends[i], low, high)];
    result[at] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
  return result;
}

/** A span with Python's meaning, where an end before the first element has no number. */
function range({ start, step, count }: Span): [number, number | null, number] {
  if (count === 0) return [0, 0, 1];
  const end = start + step * count;
  return [start, end < 0 ? null : end, step];
}

const slice: Operator = {
  since: 1,
  apply: (call) => call.result(call.tensor(0).slice(spans(call).map(range))),
  host: (call, [x]) => {
    const [parts, strides] = [spans(call), stridesOf(x.shape)];
    const first = parts.reduce((sum, { start }, i) => sum + start * strides[i], 0);
    return viewHost(x, parts.map((p) => p.count), parts.map((p, i) => p.step * strides[i]), first);
  },
};

/** Lengths of the parts (Split: attribute, input, or a number of parts). */
function parts(call: Call, axis: number): number[] {
  const n = call.input(0).shape[axis];
  const given = call.ints(1, "split");
  if (given) return given;
  const count = call.attributes.int("num_outputs") ?? call.outputs;
  const each = Math.ceil(n / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(each, n - i * each)));
}

const split: Operator = {
  since: 1,
  apply: (call) => {
    const axis = call.axis("axis", 0);
    return call.tensor(0).split(parts(call, axis), axis).map((t) => call.result(t));
  },
  host: (call, [x]) => {
    const axis = call.axis("axis", 0);
    let start = 0;
    return parts(call, axis).map((n) => {
      const at = Array.from({ length: n }, (_, i) => start + i);
      start += n;
      return takeHost(x, axis, { type: "int64", shape: [n], data: at });
    });
  },
};

const concat: Operator = {
  since: 1,
  apply: (call) => {
    const axis = call.axis("axis", 0);
    const present = call.inputs.flatMap((v) => v && v.size > 0 ? [v.tensor] : []);
    // Parts of no elements may be left out, but not all of them
    return call.result(present.length > 0 ? cat(present, axis) : cat(call.inputs.map((_, i) => call.tensor(i)), axis));
  },
  host: (call, inputs) => concatHost(inputs, call.axis("axis", 0)),
};

function expanded(call: Call): Shape {
  return broadcastShapes(call.input(0).shape, call.ints(1, "shape") ?? []);
}

const expand: Operator = {
  since: 8,
  apply: (call) => call.result(call.tensor(0).expand(expanded(call))),
  host: (call, [x]) => expandHost(x, expanded(call)),
};

const tile: Operator = {
  since: 6,
  apply: (call) => {
    const { shape } = call.input(0);
    const repeats = call.ints(1, "repeats") ?? [];
    const x = call.tensor(0).reshape(shape.flatMap((n) => [1, n])).expand(shape.flatMap((n, i) => [repeats[i], n]));
    return call.result(x.reshape(shape.map((n, i) => n * repeats[i])));
  },
  host: (call, [x]) =>
    (call.ints(1, "repeats") ?? []).reduce<HostArray>(
      (y, count, axis) => concatHost(new Array<HostArray>(count).fill(y), axis),
      x,
    ),
};

/** Shape, or part of it (since opset 15). */
const shape: Operator = {
  since: 1,
  apply: (call) => {
    const { start, end } = { start: call.attributes.int("start") ?? 0, end: call.attributes.int("end") };
    return Value.ofInts(call.input(0).shape.slice(start, end));
  },
};

const constantOfShape: Operator = {
  since: 9,
  apply: (call) => {
    const shape = call.ints(0, "shape") ?? [];
    const proto = call.attributes.tensor("value");
    const { type, data } = proto ? decodeTensor(proto, new Map()) : { type: "float32" as const, data: [0] };
    // One element, repeated as a view: nothing is allocated for it
    const value = Value.ofHost({ type, shape: shape.map(() => 1), data });
    if (sizeOf(shape) > FEW) return Value.ofTensor(value.tensor.expand(shape), type);
    return Value.ofHost({ type, shape, data: new Array<number>(sizeOf(shape)).fill(data[0]) });
  },
};

/** Elements up to which a constant is also kept on the host. */
const FEW = 4096;

const rangeOperator: Operator = {
  since: 11,
  apply: (call) => {
    const [start, limit, delta] = ["start", "limit", "delta"].map((name, i) => call.known(i, name)?.[0] ?? 0);
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!Number.isFinite(count)) throw new RangeError(`a range from ${start} to ${limit} by ${delta} never ends`);
    const { type } = call.input(0);
    return Value.ofHost({
      type,
      shape: [count],
      data: Array.from({ length: count }, (_, i) => store(start + i * delta, type)),
    });
  },
};

const eyeLike: Operator = {
  since: 9,
  apply: (call) => {
    const { shape: [rows, columns], type } = call.input(0);
    const k = call.attributes.int("k") ?? 0;
    const data = Array.from({ length: rows * columns }, (_, i) => Number(i % columns === Math.floor(i / columns) + k));
    return Value.ofHost(mapHost((x) => x, type, { type, shape: [rows, columns], data }));
  },
};

/** The operators of shapes and views. */
export const shapes: OperatorTable = {
  Shape: shape,
  Size: { since: 1, apply: (call) => Value.ofHost({ type: "int64", shape: [], data: [call.input(0).size] }) },
  Reshape: reshaping(5, reshaped),
  Unsqueeze: reshaping(1, unsqueezed),
  Squeeze: reshaping(1, squeezed),
  Flatten: reshaping(1, flattened),
  Transpose: {
    since: 1,
    apply: (call) => call.result(call.tensor(0).permute(order(call))),
    host: (call, [x]) => permuteHost(x, order(call)),
  },
  Slice: slice,
  Split: split,
  Concat: concat,
  Expand: expand,
  Tile: tile,
  ConstantOfShape: constantOfShape,
  Range: rangeOperator,
  EyeLike: eyeLike,
};
