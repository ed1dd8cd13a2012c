/** The lazy tensor: a shape, a dtype and a node of an immutable graph. */
import { type DType, dtypeOf, isFloat, isHalf, promote, type TypedArray } from "./dtype.ts";
import type { Primitive } from "./primitive.ts";
import { binary, type BinaryName } from "./primitives/binary.ts";
import { fill } from "./primitives/generate.ts";
import { matmul } from "./primitives/matmul.ts";
import { reduce } from "./primitives/reduce.ts";
import { cast, select } from "./primitives/select.ts";
import { unary, type UnaryName } from "./primitives/unary.ts";
import * as views from "./primitives/view.ts";
import { download, realizeTensors } from "./runtime/realize.ts";
import { releaseStorage, type Storage } from "./runtime/storage.ts";
import { broadcastShapes, normalizeAxes, normalizeAxis, sameShape, type Shape, show, sizeOf } from "./shape.ts";

/** One axis of a slice, with Python's meaning: [start, end, step], null or omitted for the default. */
export type Range =
  | readonly [start?: number | null, end?: number | null, step?: number | null]
  | null;

/** Axes to reduce: one, several, or all when omitted. */
export type Axes = number | readonly number[] | undefined;

/**
 * An n-dimensional array that is computed when it is needed. Operations build a graph; `data()`, `realize()` or a
 * compiled step runs it.
 *
 * @example Arithmetic
 * ```ts
 * import { tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * assertEquals([...await x.mul(2).sum(0).data()], [8, 12]);
 * ```
 */
export class Tensor {
  /** Lengths of the axes. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
  /** How the elements are computed. */
  readonly primitive: Primitive;
  /** Tensors that the primitive reads. */
  readonly inputs: readonly Tensor[];
  /** Where the elements lie, once they are computed. */
  storage: Storage | undefined;

  /** Makes a graph node; use the creation functions instead. */
  constructor(
    primitive: Primitive,
    inputs: readonly Tensor[],
    shape: Shape,
    dtype: DType,
    storage?: Storage,
  ) {
    this.primitive = primitive;
    this.inputs = inputs;
    this.shape = shape;
    this.dtype = dtype;
    this.storage = storage;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }
  /** Number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  #unary(name: UnaryName, dtype: DType = this.dtype): Tensor {
    return new Tensor(unary(name, this), [this], this.shape, dtype);
  }

  #binary(name: BinaryName, other: Tensor | number, bool = false): Tensor {
    const [x, y] = broadcast(this, other, name);
    return new Tensor(
      binary(name, x, y),
      [x, y],
      x.shape,
      bool ? "bool" : x.dtype,
    );
  }

  /** this + other, broadcasting. */
  add(other: Tensor | number): Tensor {
    return this.#binary("add", other);
  }
  /** this - other, broadcasting. */
  sub(other: Tensor | number): Tensor {
    return this.#binary("sub", other);
  }
  /** this * other, broadcasting. */
  mul(other: Tensor | number): Tensor {
    return this.#binary("mul", other);
  }
  /** this / other, broadcasting. */
  div(other: Tensor | number): Tensor {
    return typeof other === "number" && isFloat(this.dtype) ? this.mul(1 / other) : this.#binary("div", other);
  }
  /** this ** other, broadcasting; a negative base takes integer exponents. */
  pow(other: Tensor | number): Tensor {
    if (other === 2) return this.square();
    if (other === 1) return this;
    if (other === 0.5) return this.sqrt();
    if (other === -1) return this.reciprocal();
    if (other === 3) return this.square().mul(this);
    return this.#binary("pow", other);
  }
  /** Larger of the two, broadcasting. */
  maximum(other: Tensor | number): Tensor {
    return this.#binary("maximum", other);
  }
  /** Smaller of the two, broadcasting. */
  minimum(other: Tensor | number): Tensor {
    return this.#binary("minimum", other);
  }
  /** Whether equal, elementwise. */
  eq(other: Tensor | number): Tensor {
    return this.#binary("eq", other, true);
  }
  /** Whether different, elementwise. */
  ne(other: Tensor | number): Tensor {
    return this.#binary("ne", other, true);
  }
  /** Whether less, elementwise. */
  lt(other: Tensor | number): Tensor {
    return this.#binary("lt", other, true);
  }
  /** Whether less or equal, elementwise. */
  le(other: Tensor | number): Tensor {
    return this.#binary("le", other, true);
  }
  /** Whether greater, elementwise. */
  gt(other: Tensor | number): Tensor {
    return this.#binary("gt", other, true);
  }
  /** Whether greater or equal, elementwise. */
  ge(other: Tensor | number): Tensor {
    return this.#binary("ge", other, true);
  }
  /** Both true. */
  logicalAnd(other: Tensor): Tensor {
    return this.cast("bool").#binary("logicalAnd", other.cast("bool"), true);
  }
  /** Either true. */
  logicalOr(other: Tensor): Tensor {
    return this.cast("bool").#binary("logicalOr", other.cast("bool"), true);
  }
  /** Not true. */
  logicalNot(): Tensor {
    return this.cast("bool").#unary("logicalNot", "bool");
  }

  /** -x. */
  neg(): Tensor {
    return this.#unary("neg");
  }
  /** |x|. */
  abs(): Tensor {
    return this.#unary("abs");
  }
  /** -1, 0 or 1. */
  sign(): Tensor {
    return this.#unary("sign");
  }
  /** Largest integer not above x. */
  floor(): Tensor {
    return this.#unary("floor");
  }
  /** Smallest integer not below x. */
  ceil(): Tensor {
    return this.#unary("ceil");
  }
  /** Nearest integer, ties to even. */
  round(): Tensor {
    return this.#unary("round");
  }
  /** e**x. */
  exp(): Tensor {
    return this.#unary("exp");
  }
  /** Natural logarithm. */
  log(): Tensor {
    return this.#unary("log");
  }
  /** Square root. */
  sqrt(): Tensor {
    return this.#unary("sqrt");
  }
  /** 1 / sqrt(x). */
  rsqrt(): Tensor {
    return this.#unary("rsqrt");
  }
  /** x * x. */
  square(): Tensor {
    return this.#unary("square");
  }
  /** 1 / x. */
  reciprocal(): Tensor {
    return this.#unary("reciprocal");
  }
  /** Sine. */
  sin(): Tensor {
    return this.#unary("sin");
  }
  /** Cosine. */
  cos(): Tensor {
    return this.#unary("cos");
  }
  /** Hyperbolic tangent. */
  tanh(): Tensor {
    return this.#unary("tanh");
  }
  /** Error function. */
  erf(): Tensor {
    return this.#unary("erf");
  }
  /** 1 / (1 + e**-x). */
  sigmoid(): Tensor {
    return this.#unary("sigmoid");
  }
  /** x * sigmoid(x). */
  silu(): Tensor {
    return this.#unary("silu");
  }
  /** max(x, 0); the gradient at 0 is 0. */
  relu(): Tensor {
    return this.#unary("relu");
  }
  /** log(1 + e**x), without overflow. */
  softplus(): Tensor {
    return this.#unary("softplus");
  }
  /** x * Phi(x) with the exact error function. */
  gelu(): Tensor {
    return this.#unary("gelu");
  }
  /** The tanh approximation of gelu (gelu_new). */
  geluTanh(): Tensor {
    return this.#unary("geluTanh");
  }
  /** Neither infinite nor NaN, decided by the bits. */
  isFinite(): Tensor {
    return this.cast("f32").#unary("isFinite", "bool");
  }
  /** NaN, decided by the bits. */
  isNaN(): Tensor {
    return this.cast("f32").#unary("isNaN", "bool");
  }
  /** Limits to [min, max]; the gradient is 1 inside, bounds included. */
  clamp(min?: number, max?: number): Tensor {
    const low = min === undefined ? this : this.where(this.ge(min), min);
    return max === undefined ? low : low.where(low.le(max), max);
  }
  /** This where cond holds, other elsewhere. */
  where(cond: Tensor, other: Tensor | number): Tensor {
    const [x, y] = broadcast(this, other, "where");
    const shape = broadcastShapes(cond.shape, x.shape, "where");
    const inputs = [cond.cast("bool"), x, y].map((t) => t.expand(shape));
    return new Tensor(
      select(inputs[0], inputs[1], inputs[2]),
      inputs,
      shape,
      x.dtype,
    );
  }
  /** The same values in another dtype. */
  cast(dtype: DType): Tensor {
    return dtype === this.dtype ? this : new Tensor(cast(this, dtype), [this], this.shape, dtype);
  }

  #reduce(
    combine: "sum" | "max" | "min",
    axes: Axes,
    keepdim: boolean,
  ): Tensor {
    if (isHalf(this.dtype)) return this.cast("f32").#reduce(combine, axes, keepdim).cast(this.dtype);
    const list = normalizeAxes(axes, this.ndim, combine);
    const long = list.filter((a) => this.shape[a] !== 1);
    const kept = this.shape.map((n, i) => list.includes(i) ? 1 : n);
    if (long.length === 0) return keepdim ? this : this.reshape(this.shape.filter((_, i) => !list.includes(i)));
    const count = long.reduce((n, a) => n * this.shape[a], 1);
    if (count === 0 && combine !== "sum" && sizeOf(kept) > 0) {
      throw new RangeError(`Cannot take the ${combine} of ${show(this.shape)} along ${show(list)}: it has no elements`);
    }
    if (count === 0) return full(keepdim ? kept : this.shape.filter((_, i) => !list.includes(i)), 0, this.dtype);
    const parts = this.size === count ? splitCount(count) : 1;
    if (parts > 1) {
      // One long sum becomes many short ones, then one: every core gets work, and rounding errors stay small
      const partial = this.reshape([parts, count / parts]).#reduce(combine, 1, false);
      return partial.#reduce(combine, 0, false).reshape(
        keepdim ? kept : this.shape.filter((_, i) => !list.includes(i)),
      );
    }
    const shape = this.shape.map((n, i) => long.includes(i) ? 1 : n);
    const result = new Tensor(reduce(this, combine, long), [this], shape, this.dtype);
    return keepdim ? result : result.reshape(this.shape.filter((_, i) => !list.includes(i)));
  }
  /** Sum over axes (all when omitted). */
  sum(axes?: Axes, keepdim = false): Tensor {
    const x = this.dtype === "bool" ? this.cast("i32") : this;
    return x.#reduce("sum", axes, keepdim);
  }
  /** Mean over axes (all when omitted). */
  mean(axes?: Axes, keepdim = false): Tensor {
    const total = (isFloat(this.dtype) ? this : this.cast("f32")).sum(
      axes,
      keepdim,
    );
    return this.size === 0 ? full(total.shape, NaN, total.dtype) : total.mul(total.size / this.size);
  }
  /** Largest value over axes; ties share the gradient. */
  max(axes?: Axes, keepdim = false): Tensor {
    return this.#reduce("max", axes, keepdim);
  }
  /** Smallest value over axes; ties share the gradient. */
  min(axes?: Axes, keepdim = false): Tensor {
    return this.#reduce("min", axes, keepdim);
  }
  /** Variance over axes: squared deviations over (n - correction). */
  var(axes?: Axes, keepdim = false, correction = 0): Tensor {
    const squares = this.sub(this.mean(axes, true)).square().sum(axes, keepdim);
    return squares.div(this.size / squares.size - correction);
  }

  /** The same elements, row-major, under another shape; one length may be -1. */
  reshape(shape: readonly number[]): Tensor {
    const known = shape.reduce((a, n) => n === -1 ? a : a * n, 1);
    const full = shape.map((n) => n === -1 ? this.size / known : n);
    if (
      sizeOf(full) !== this.size ||
      full.some((n) => !Number.isInteger(n) || n < 0)
    ) {
      throw new RangeError(
        `Cannot reshape ${show(this.shape)} to ${show(shape)}: expected ${this.size} elements`,
      );
    }
    if (sameShape(full, this.shape)) return this;
    return new Tensor(views.reshape(this, full), [this], full, this.dtype);
  }
  /** Reorders axes: output axis k is axis axes[k]. */
  permute(axes: readonly number[]): Tensor {
    const order = axes.map((a) => normalizeAxis(a, this.ndim, "permute"));
    if (order.length !== this.ndim || new Set(order).size !== this.ndim) {
      throw new RangeError(
        `Cannot permute ${show(this.shape)} by ${show(axes)}: expected each of ${this.ndim} axes once`,
      );
    }
    if (order.every((a, i) => a === i)) return this;
    return new Tensor(
      views.permute(this, order),
      [this],
      order.map((a) => this.shape[a]),
      this.dtype,
    );
  }
  /** Swaps two axes. */
  transpose(a: number, b: number): Tensor {
    const [i, j] = [a, b].map((axis) => normalizeAxis(axis, this.ndim, "transpose"));
    return this.permute(
      this.shape.map((_, k) => k === i ? j : k === j ? i : k),
    );
  }
  /** Repeats axes of length one (and adds leading axes) up to a shape. */
  expand(shape: Shape): Tensor {
    if (sameShape(shape, this.shape)) return this;
    const lead = shape.length - this.ndim;
    if (
      lead < 0 || this.shape.some((n, i) => n !== 1 && n !== shape[i + lead])
    ) {
      throw new RangeError(
        `Cannot expand ${show(this.shape)} to ${show(shape)}: only axes of length 1 repeat`,
      );
    }
    const x = this.reshape([...new Array<number>(lead).fill(1), ...this.shape]);
    return sameShape(shape, x.shape) ? x : new Tensor(views.expand(x, shape), [x], shape, this.dtype);
  }
  /** Part of each axis, with Python's meaning of [start, end, step]; steps are positive. */
  slice(ranges: readonly Range[]): Tensor {
    if (ranges.length > this.ndim) {
      throw new RangeError(
        `Cannot slice ${show(this.shape)} with ${ranges.length} ranges: it has ${this.ndim} axes`,
      );
    }
    const resolved = this.shape.map((n, i) => {
      const [start, end, step] = ranges[i] ?? [];
      const by = step ?? 1;
      if (!(by > 0)) {
        throw new RangeError(
          `Cannot slice axis ${i} with step ${by}: expected a positive integer`,
        );
      }
      const bound = (v: number) => Math.min(n, Math.max(0, v < 0 ? v + n : v));
      const from = bound(start ?? 0);
      return {
        start: from,
        step: by,
        count: Math.max(0, Math.ceil((bound(end ?? n) - from) / by)),
      };
    });
    const shape = resolved.map((r) => r.count);
    if (sameShape(shape, this.shape)) return this;
    return new Tensor(views.slice(this, resolved), [this], shape, this.dtype);
  }
  /** Surrounds with a value: [before, after] per axis; negative amounts crop. */
  pad(pads: readonly (readonly [number, number])[], value = 0): Tensor {
    if (pads.length !== this.ndim) {
      throw new RangeError(
        `Cannot pad ${show(this.shape)} with ${pads.length} pairs: expected one for each of ${this.ndim} axes`,
      );
    }
    const x = this.slice(
      pads.map((
        [b, a],
        i,
      ) => [Math.max(0, -b), this.shape[i] + Math.min(0, a)]),
    );
    const amounts = pads.map(([b, a]) => [Math.max(0, b), Math.max(0, a)] as const);
    if (amounts.every(([b, a]) => b + a === 0)) return x;
    const shape = x.shape.map((n, i) => n + amounts[i][0] + amounts[i][1]);
    if (x.size === 0) return full(shape, value, this.dtype);
    return new Tensor(views.pad(x, amounts, value), [x], shape, this.dtype);
  }
  /** Reverses axes. */
  flip(axes: number | readonly number[]): Tensor {
    return new Tensor(
      views.flip(this, normalizeAxes(axes, this.ndim, "flip")),
      [this],
      this.shape,
      this.dtype,
    );
  }
  /** Removes an axis of length one. */
  squeeze(axis: number): Tensor {
    const at = normalizeAxis(axis, this.ndim, "squeeze");
    if (this.shape[at] !== 1) {
      throw new RangeError(
        `Cannot squeeze axis ${axis} of ${show(this.shape)}: expected length 1`,
      );
    }
    return this.reshape(this.shape.filter((_, i) => i !== at));
  }
  /** Adds an axis of length one. */
  unsqueeze(axis: number): Tensor {
    const at = normalizeAxis(axis, this.ndim + 1, "unsqueeze");
    return this.reshape([
      ...this.shape.slice(0, at),
      1,
      ...this.shape.slice(at),
    ]);
  }
  /** Joins all axes from startAxis on into one. */
  flatten(startAxis = 0): Tensor {
    const at = normalizeAxis(startAxis, Math.max(1, this.ndim), "flatten");
    return this.reshape([
      ...this.shape.slice(0, at),
      sizeOf(this.shape.slice(at)),
    ]);
  }

  /** Matrix product with NumPy's rules for one, two and more axes. */
  matmul(other: Tensor): Tensor {
    const fail = () =>
      new RangeError(
        `Cannot multiply matrices of shapes ${show(this.shape)} and ${show(other.shape)}: inner lengths differ`,
      );
    if (this.ndim === 0 || other.ndim === 0) {
      throw new RangeError(
        "Cannot multiply matrices: expected at least one axis, got a scalar",
      );
    }
    if (this.ndim === 1) {
      return this.unsqueeze(0).matmul(other).squeeze(other.ndim === 1 ? 0 : -2);
    }
    if (other.ndim === 1) return this.matmul(other.unsqueeze(1)).squeeze(-1);
    const [m, k] = this.shape.slice(-2);
    const n = other.shape[other.ndim - 1];
    if (k !== other.shape[other.ndim - 2]) throw fail();
    // One tall matrix instead of many: larger tiles, and a weight gradient that is one product
    if (other.ndim === 2 && this.ndim > 2) {
      return this.reshape([sizeOf(this.shape.slice(0, -1)), k]).matmul(other).reshape([
        ...this.shape.slice(0, -1),
        n,
      ]);
    }
    const dtype = promote(this.dtype, other.dtype);
    const batch = broadcastShapes(
      this.shape.slice(0, -2),
      other.shape.slice(0, -2),
      "matmul",
    );
    if (k === 0) return full([...batch, m, n], 0, dtype);
    // Kernels read 16-bit factors as they are and sum in f32
    const wide = isHalf(dtype) ? "f32" : dtype;
    const a = this.cast(wide).expand([...batch, m, k]);
    const b = other.cast(wide).expand([...batch, k, n]);
    return new Tensor(matmul(a, b), [a, b], [...batch, m, n], wide).cast(dtype);
  }

  /** Computes if needed and reads the elements back, row-major. Waits for the device: never inside a step loop. */
  data(): Promise<TypedArray> {
    return download(this);
  }
  /** The only element of a tensor of size one. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new RangeError(
        `Cannot take the item of shape ${show(this.shape)}: expected one element`,
      );
    }
    return (await this.data())[0];
  }
  /** Computes into memory of its own, so that later graphs start from it. */
  async realize(): Promise<Tensor> {
    await realizeTensors([this]);
    return this;
  }
  /**
   * Frees the memory now instead of at garbage collection. Using the tensor afterwards, or computing what depends on it,
   * is a `TypeError`; disposing it again does nothing.
   */
  dispose(): void {
    releaseStorage(this);
  }
  /** Disposes at the end of a block: `using x = await y.realize()`. */
  [Symbol.dispose](): void {
    releaseStorage(this);
  }
  /** Shape and dtype, for messages. */
  toString(): string {
    return `Tensor(${show(this.shape)}, ${this.dtype}, ${this.primitive.name})`;
  }
}

/** Near-square divisor of a long count, or 1 where none is worth it. */
function splitCount(count: number): number {
  if (count < 4096) return 1;
  for (let d = Math.floor(Math.sqrt(count)); d >= 32; d--) {
    if (count % d === 0) return d;
  }
  return 1;
}

/** A tensor that holds one value everywhere without memory. */
export function full(
  shape: Shape,
  value: number,
  dtype: DType = "f32",
): Tensor {
  return new Tensor(fill(value, dtype), [], [...shape], dtype);
}

/** Both operands in one dtype and one shape. */
export function broadcast(
  x: Tensor,
  other: Tensor | number,
  op: string,
): [Tensor, Tensor] {
  if (typeof other === "number") {
    const dtype = isFloat(x.dtype) || Number.isInteger(other) ? (x.dtype === "bool" ? "i32" : x.dtype) : "f32";
    return [x.cast(dtype), full(x.shape, other, dtype)];
  }
  const dtype = promote(x.dtype, other.dtype);
  const shape = broadcastShapes(x.shape, other.shape, op);
  return [x.cast(dtype).expand(shape), other.cast(dtype).expand(shape)];
}

export { dtypeOf };
