/** Joining, splitting and reading at positions. */
import { gather as gatherPrimitive } from "../primitives/gather.ts";
import { broadcastShapes, normalizeAxis, type Shape, show } from "../shape.ts";
import { arange, zeros } from "../creation.ts";
import { Tensor } from "../tensor.ts";

/**
 * cond ? x : y, all three broadcast.
 *
 * @param cond Truth values.
 * @param x Taken where cond holds.
 * @param y Taken elsewhere.
 */
export function where(
  cond: Tensor,
  x: Tensor | number,
  y: Tensor | number,
): Tensor {
  if (typeof x !== "number") return x.where(cond, y);
  if (typeof y !== "number") return y.where(cond.logicalNot(), x);
  return zeros(cond.shape).add(x).where(cond, y);
}

/**
 * Joins tensors along an axis.
 *
 * @param tensors At least one; equal lengths on all other axes.
 * @param axis The axis to join.
 */
export function cat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) {
    throw new RangeError("Cannot cat: expected at least one tensor");
  }
  const [first] = tensors;
  const at = normalizeAxis(axis, first.ndim, "cat");
  const total = tensors.reduce((n, t) => n + t.shape[at], 0);
  let start = 0;
  // Each part is padded to the whole; a kernel that reads the sum evaluates one part per element
  let result: Tensor | undefined;
  for (const t of tensors) {
    if (
      t.ndim !== first.ndim ||
      t.shape.some((n, i) => i !== at && n !== first.shape[i])
    ) {
      throw new RangeError(
        `Cannot cat shapes ${show(first.shape)} and ${show(t.shape)} along axis ${axis}`,
      );
    }
    const before = start;
    start += t.shape[at];
    const padded = t.pad(
      t.shape.map((_, i) => i === at ? [before, total - start] : [0, 0]),
    );
    if (!result) result = padded;
    else {
      const position = arange(total, "i32").reshape(
        first.shape.map((_, i) => i === at ? total : 1),
      );
      result = result.where(position.lt(before).expand(result.shape), padded);
    }
  }
  return result!;
}

/** Joins tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return cat(tensors.map((t) => t.unsqueeze(axis)), axis);
}

/**
 * Cuts a tensor along an axis.
 *
 * @param x The tensor.
 * @param sizes Lengths of the pieces, which must add up to the axis.
 * @param axis The axis to cut.
 */
export function split(x: Tensor, sizes: readonly number[], axis = 0): Tensor[] {
  const at = normalizeAxis(axis, x.ndim, "split");
  if (sizes.reduce((a, b) => a + b, 0) !== x.shape[at]) {
    throw new RangeError(
      `Cannot split axis ${axis} of ${show(x.shape)} into ${show(sizes)}: expected a total of ${x.shape[at]}`,
    );
  }
  let start = 0;
  return sizes.map((n) => {
    const from = start;
    start += n;
    return x.slice(x.shape.map((_, i) => i === at ? [from, from + n] : null));
  });
}

/**
 * Cuts a tensor along an axis into equal pieces (torch.chunk); the last may be shorter.
 *
 * @param x The tensor.
 * @param count At most how many pieces.
 * @param axis The axis to cut.
 */
export function chunk(x: Tensor, count: number, axis = 0): Tensor[] {
  const at = normalizeAxis(axis, x.ndim, "chunk");
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`Cannot cut ${show(x.shape)} into ${count} chunks: expected a positive integer`);
  }
  const n = x.shape[at];
  const each = Math.max(1, Math.ceil(n / count));
  const pieces = Math.max(1, Math.ceil(n / each));
  return split(x, Array.from({ length: pieces }, (_, i) => Math.min(each, n - i * each)), at);
}

/** The triangle of the last two axes on and below (lower) or above (upper) a diagonal; zero elsewhere. */
export function triangle(x: Tensor, diagonal: number, part: "lower" | "upper"): Tensor {
  if (x.ndim < 2) throw new RangeError(`Cannot take a triangle of ${show(x.shape)}: expected at least two axes`);
  const edge = arange(x.shape[x.ndim - 2], "i32").unsqueeze(1).add(diagonal);
  const column = arange(x.shape[x.ndim - 1], "i32");
  return x.where(part === "upper" ? column.ge(edge) : column.le(edge), 0);
}

/**
 * One along a new last axis where the class is, zero elsewhere (torch.nn.functional.one_hot).
 *
 * @param ids Integers of any shape, each below `classes`.
 * @param classes Length of the new axis.
 * @returns f32 [...ids.shape, classes].
 */
export function oneHot(ids: Tensor, classes: number): Tensor {
  return ids.cast("i32").unsqueeze(-1).eq(arange(classes, "i32")).cast("f32");
}

function requirePositions(index: Tensor): void {
  if (index.dtype !== "i32" && index.dtype !== "u32") {
    throw new TypeError(`Cannot read positions of dtype ${index.dtype}: expected i32 or u32`);
  }
}

/**
 * out[..., i, ...] = x[..., index[..., i, ...], ...] along an axis (torch.gather).
 *
 * @param x The tensor to read.
 * @param axis The axis that index runs over.
 * @param index Integer positions, of x's rank; may be shorter than x on the other axes.
 */
export function gather(x: Tensor, axis: number, index: Tensor): Tensor {
  const at = normalizeAxis(axis, x.ndim, "gather");
  if (
    index.ndim !== x.ndim ||
    index.shape.some((n, i) => i !== at && n > x.shape[i])
  ) {
    throw new RangeError(
      `Cannot gather from ${show(x.shape)} with index of shape ${show(index.shape)} along axis ${axis}`,
    );
  }
  requirePositions(index);
  const source = x.slice(index.shape.map((n, i) => i === at ? null : [0, n]));
  const scatter = (g: Tensor) => scatterAdd(zeros(source.shape, g.dtype), at, index, g);
  return new Tensor(
    gatherPrimitive(source, at, index, scatter),
    [source, index],
    index.shape,
    x.dtype,
  );
}

/**
 * A copy of x with src added at index along an axis (torch.scatter_add); repeated positions add up, in a fixed order.
 *
 * @param x The tensor to add to.
 * @param axis The axis that index runs over.
 * @param index Integer positions, of x's rank.
 * @param src Values to add, at least of index's shape.
 */
export function scatterAdd(
  x: Tensor,
  axis: number,
  index: Tensor,
  src: Tensor,
): Tensor {
  const at = normalizeAxis(axis, x.ndim, "scatterAdd");
  requirePositions(index);
  const values = src.slice(index.shape.map((n) => [0, n]));
  // [..., n, 1 -> x, ...]: every output sums over all positions those that name it
  const spread = (t: Tensor) => t.unsqueeze(at + 1);
  const shape = [
    ...index.shape.slice(0, at + 1),
    x.shape[at],
    ...index.shape.slice(at + 1),
  ];
  const slots = arange(x.shape[at], "i32").reshape(
    shape.map((n, i) => i === at + 1 ? n : 1),
  );
  const hit = spread(index).cast("i32").expand(shape).eq(slots.expand(shape));
  const added = spread(values).expand(shape).where(hit, 0).sum(at);
  return x.add(added.pad(x.shape.map((n, i) => [0, n - added.shape[i]])));
}

/**
 * Rows of x along an axis (torch.index_select).
 *
 * @param x The tensor to read.
 * @param axis The axis to read along.
 * @param index One axis of integer positions, which may repeat.
 */
export function indexSelect(x: Tensor, axis: number, index: Tensor): Tensor {
  const at = normalizeAxis(axis, x.ndim, "indexSelect");
  requirePositions(index);
  const n = x.shape[at];
  const shape = x.shape.map((m, i) => i === at ? index.size : m);
  const positions = index.reshape(shape.map((m, i) => i === at ? m : 1)).expand(
    shape,
  );
  // The gradient is a product with the one-hot matrix: deterministic, and fast where a scatter would serialise
  const scatter = (g: Tensor) => {
    const hot = index.reshape([1, index.size]).cast("i32").eq(
      arange(n, "i32").unsqueeze(1),
    ).cast(g.dtype);
    return hot.matmul(g.transpose(0, at).reshape([index.size, x.size / n])).reshape([
      n,
      ...g.transpose(0, at).shape.slice(1),
    ]).transpose(0, at);
  };
  return new Tensor(
    gatherPrimitive(x, at, positions, scatter),
    [x, positions],
    shape,
    x.dtype,
  );
}

/**
 * Rows of a table: weight[ids].
 *
 * @param weight Table [V, D].
 * @param ids Integers of any shape, each below V.
 * @returns [...ids.shape, D].
 */
export function embedding(weight: Tensor, ids: Tensor): Tensor {
  return indexSelect(weight, 0, ids.flatten()).reshape([
    ...ids.shape,
    weight.shape[1],
  ]);
}

function extreme(
  x: Tensor,
  axis: number | undefined,
  largest: boolean,
): Tensor {
  const flat = axis === undefined ? x.reshape([-1]) : x;
  const at = normalizeAxis(axis ?? 0, flat.ndim, largest ? "argmax" : "argmin");
  const best = largest ? flat.max(at, true) : flat.min(at, true);
  const n = flat.shape[at];
  const position = arange(n, "i32").reshape(
    flat.shape.map((_, i) => i === at ? n : 1),
  ).expand(flat.shape);
  return position.where(flat.eq(best), n).min(at);
}

/** Index of the first largest value along an axis (flattened when omitted), i32. */
export function argmax(x: Tensor, axis?: number): Tensor {
  return extreme(x, axis, true);
}

/** Index of the first smallest value along an axis (flattened when omitted), i32. */
export function argmin(x: Tensor, axis?: number): Tensor {
  return extreme(x, axis, false);
}

/** Inclusive running sum along an axis, as a product with a triangle of ones. */
export function cumsum(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.ndim, "cumsum");
  if (x.dtype === "bool") return cumsum(x.cast("i32"), at);
  const n = x.shape[at];
  const moved = x.transpose(at, -1);
  const i = arange(n, "i32");
  const triangle = i.unsqueeze(1).le(i.unsqueeze(0)).cast(x.dtype);
  return moved.matmul(triangle).transpose(at, -1);
}

/** Broadcasts tensors to their common shape. */
export function broadcastTogether(
  tensors: readonly Tensor[],
  op: string,
): Tensor[] {
  const shape = tensors.reduce<Shape>(
    (s, t) => broadcastShapes(s, t.shape, op),
    [],
  );
  return tensors.map((t) => t.expand(shape));
}
