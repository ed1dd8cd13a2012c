/** Reading and writing at positions. */
import { arange, cat, oneHot as oneHotVectors, scatterAdd, type Tensor, tensor, zeros } from "@dipp/tensor";
import { position, takeHost } from "../host.ts";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { normalizeAxis, type Shape, sizeOf, stridesOf } from "../shape.ts";
import { Value } from "../value.ts";

/** Positions along an axis of length n, counted from the front; those that are known are checked too. */
function positions(index: Value, n: number): Tensor {
  const { host } = index;
  if (!host) return index.tensor.where(index.tensor.ge(0), index.tensor.add(n));
  return tensor(Int32Array.from(host, (i) => position(i, n)), index.shape);
}

const gather: Operator = {
  since: 1,
  apply: (call) => {
    const axis = call.axis("axis", 0);
    const { shape } = call.input(0);
    const index = call.input(1);
    const x = call.tensor(0);
    const result = shape.toSpliced(axis, 1, ...index.shape);
    if (index.size === 1 && index.host) {
      // A single known position is a view
      const at = position(index.host[0], shape[axis]);
      return call.result(x.slice(shape.map((_, i) => i === axis ? [at, at + 1] : null)).reshape(result));
    }
    return call.result(x.indexSelect(axis, positions(index, shape[axis]).flatten()).reshape(result));
  },
  host: (call, [x, index]) => takeHost(x, call.axis("axis", 0), index),
};

const gatherElements: Operator = {
  since: 11,
  apply: (call) => {
    const axis = call.axis("axis", 0);
    return call.result(call.tensor(0).gather(axis, positions(call.input(1), call.input(0).shape[axis])));
  },
};

/** Rows of a table that the last axis of an index names: its number, for each. */
function rowNumbers(index: Value, shape: Shape): Value {
  const depth = index.shape[index.ndim - 1];
  const strides = stridesOf(shape.slice(0, depth));
  const rows = index.shape.slice(0, -1);
  if (index.host) {
    const { host } = index;
    const data = Array.from(
      { length: sizeOf(rows) },
      (_, r) => strides.reduce((sum, stride, k) => sum + stride * position(host[r * depth + k], shape[k]), 0),
    );
    return Value.ofHost({ type: "int64", shape: rows, data });
  }
  const columns = strides.map((stride, k) => {
    const column = index.tensor.select(-1, k);
    return column.where(column.ge(0), column.add(shape[k])).mul(stride);
  });
  return Value.ofTensor(columns.reduce((a, b) => a.add(b)), "int64");
}

const gatherND: Operator = {
  since: 11,
  apply: (call) => {
    const [x, index] = [call.input(0), call.input(1)];
    const batch = call.attributes.int("batch_dims") ?? 0;
    const depth = index.shape[index.ndim - 1];
    const leads = sizeOf(x.shape.slice(0, batch));
    const inner = x.shape.slice(batch);
    const numbers = rowNumbers(index, inner).tensor.reshape([leads, -1]);
    const table = sizeOf(inner.slice(0, depth));
    const all = numbers.add(arange(leads, "i32").mul(table).unsqueeze(1)).flatten();
    const rest = inner.slice(depth);
    const rows = call.tensor(0).reshape([leads * table, sizeOf(rest)]).indexSelect(0, all);
    return call.result(rows.reshape([...index.shape.slice(0, -1), ...rest]));
  },
};

/** How a scattered value meets what is there. */
function reductionOf(call: Call): "none" | "add" {
  const reduction = call.attributes.choice("reduction", ["none", "add", "mul", "min", "max"], "none");
  if (reduction === "none" || reduction === "add") return reduction;
  throw new RangeError(`attribute reduction is "${reduction}": expected none or add`);
}

/** x with updates written at positions of an axis that `index`, of the rank of x, names. */
function scatter(x: Tensor, axis: number, index: Tensor, updates: Tensor, reduction: "none" | "add"): Tensor {
  if (reduction === "add") return scatterAdd(x, axis, index, updates);
  const hits = scatterAdd(zeros(x.shape, "i32"), axis, index, zeros(index.shape, "i32").add(1));
  return x.where(hits.eq(0), scatterAdd(zeros(x.shape, x.dtype), axis, index, updates));
}

const scatterElements: Operator = {
  since: 11,
  apply: (call) => {
    const axis = call.axis("axis", 0);
    const index = positions(call.input(1), call.input(0).shape[axis]);
    return call.result(scatter(call.tensor(0), axis, index, call.tensor(2), reductionOf(call)));
  },
};

const scatterND: Operator = {
  since: 11,
  apply: (call) => {
    const [x, index] = [call.input(0), call.input(1)];
    const depth = index.shape[index.ndim - 1];
    const [table, rest] = [sizeOf(x.shape.slice(0, depth)), sizeOf(x.shape.slice(depth))];
    const numbers = rowNumbers(index, x.shape);
    const rows = call.tensor(0).reshape([table, rest]);
    const updates = call.tensor(2).reshape([numbers.size, rest]);
    const reduction = reductionOf(call);
    if (numbers.host && reduction === "none") {
      // Each row is one of x or of the updates, and which is known: a selection, the later update winning
      const source = Int32Array.from({ length: table }, (_, i) => i);
      Array.from(numbers.host).forEach((row, i) => source[row] = table + i);
      return call.result(cat([rows, updates]).indexSelect(0, tensor(source)).reshape(x.shape));
    }
    const at = numbers.tensor.reshape([-1, 1]).expand([numbers.size, rest]);
    return call.result(scatter(rows, 0, at, updates, reduction).reshape(x.shape));
  },
  host: (call, [x, index, updates]) => {
    if (reductionOf(call) === "add") throw new RangeError("attribute reduction is add: expected none for shapes");
    const data = Array.from(x.data);
    const depth = index.shape[index.shape.length - 1];
    const rest = sizeOf(x.shape.slice(depth));
    const numbers = rowNumbers(Value.ofHost(index), x.shape).host ?? [];
    Array.from(numbers).forEach((row, i) => {
      for (let j = 0; j < rest; j++) data[row * rest + j] = updates.data[i * rest + j];
    });
    return { ...x, data };
  },
};

const oneHot: Operator = {
  since: 9,
  apply: (call) => {
    const depth = call.known(1, "depth")?.[0] ?? 0;
    const index = call.input(0);
    const axis = normalizeAxis(call.attributes.int("axis") ?? -1, index.ndim + 1);
    const ids = index.tensor.cast("i32");
    const hot = oneHotVectors(ids.where(ids.ge(0), ids.add(depth)), depth).movedim(-1, axis);
    const { type } = call.input(2);
    const [off, on] = [0, 1].map((i) => call.tensor(2).reshape([2]).select(0, i));
    return Value.ofTensor(on.expand(hot.shape).where(hot.gt(0.5), off.expand(hot.shape)), type);
  },
};

/** Positions of what is not zero, one a column; only of known elements, whose number is known. */
const nonZero: Operator = {
  since: 9,
  apply: (call) => {
    const { shape } = call.input(0);
    const data = call.known(0, "X") ?? [];
    const strides = stridesOf(shape);
    const found = Array.from(data).flatMap((x, i) => x !== 0 ? [i] : []);
    const rows = strides.flatMap((stride, axis) => found.map((i) => Math.floor(i / stride) % shape[axis]));
    return Value.ofHost({ type: "int64", shape: [shape.length, found.length], data: rows });
  },
};

/** The elements of the axes that are true in a known mask. */
const compress: Operator = {
  since: 9,
  apply: (call) => {
    const x = call.input(0);
    const given = call.attributes.int("axis");
    const axis = given === undefined ? 0 : normalizeAxis(given, x.ndim);
    const kept = Array.from(call.known(1, "condition") ?? []).flatMap((c, i) => c ? [i] : []);
    const flat = given === undefined ? x.tensor.flatten() : x.tensor;
    return call.result(flat.indexSelect(axis, tensor(Int32Array.from(kept))));
  },
};

/** The triangle of the last two axes. */
const trilu: Operator = {
  since: 14,
  apply: (call) => {
    const k = call.known(1, "k")?.[0] ?? 0;
    const x = call.tensor(0);
    // A triangle of truth values is that of integers
    const numbers = call.input(0).type === "bool" ? x.cast("i32") : x;
    return call.result(call.attributes.int("upper") === 0 ? numbers.tril(k) : numbers.triu(k));
  },
  host: (call, [x]) => {
    const k = call.known(1, "k")?.[0] ?? 0;
    const [rows, columns] = x.shape.slice(-2);
    const upper = call.attributes.int("upper") !== 0;
    const keep = (i: number) => {
      const [r, c] = [Math.floor(i / columns) % rows, i % columns];
      return upper ? c >= r + k : c <= r + k;
    };
    return { ...x, data: Array.from(x.data, (v, i) => keep(i) ? v : 0) };
  },
};

/** The operators of positions. */
export const positionsTable: OperatorTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  Scatter: { ...scatterElements, since: 9 },
  ScatterND: scatterND,
  OneHot: oneHot,
  NonZero: nonZero,
  Compress: compress,
  Trilu: trilu,
};
