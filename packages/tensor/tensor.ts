/**
 * The lazy tensor: a shape, a dtype and a node of an immutable graph. This file lists what a tensor can do; the doing
 * lies in `ops/`.
 */
import type { DType, TypedArray } from "./dtype.ts";
import { format, type FormatOptions } from "./format.ts";
import * as elementwise from "./ops/elementwise.ts";
import * as indexing from "./ops/indexing.ts";
import { matmul } from "./ops/matmul.ts";
import * as reduction from "./ops/reduction.ts";
import type { Axes } from "./ops/reduction.ts";
import * as sorting from "./ops/sort.ts";
import * as views from "./ops/view.ts";
import type { Range } from "./ops/view.ts";
import type { Primitive } from "./primitive.ts";
import { download, realizeTensors } from "./runtime/realize.ts";
import { releaseStorage, type Storage } from "./runtime/storage.ts";
import { type Shape, show, sizeOf } from "./shape.ts";

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

  /** this + other, broadcasting. */
  add(other: Tensor | number): Tensor {
    return elementwise.applyBinary("add", this, other);
  }
  /** this - other, broadcasting. */
  sub(other: Tensor | number): Tensor {
    return elementwise.applyBinary("sub", this, other);
  }
  /** this * other, broadcasting. */
  mul(other: Tensor | number): Tensor {
    return elementwise.applyBinary("mul", this, other);
  }
  /** this / other, broadcasting; real also of integers. */
  div(other: Tensor | number): Tensor {
    return elementwise.divide(this, other);
  }
  /** floor(this / other), broadcasting; an integer of integers (Python's //). */
  floorDivide(other: Tensor | number): Tensor {
    return elementwise.floorDivide(this, other);
  }
  /** this ** other, broadcasting; a negative base takes integer exponents. */
  pow(other: Tensor | number): Tensor {
    return elementwise.power(this, other);
  }
  /** Larger of the two, broadcasting. */
  maximum(other: Tensor | number): Tensor {
    return elementwise.applyBinary("maximum", this, other);
  }
  /** Smaller of the two, broadcasting. */
  minimum(other: Tensor | number): Tensor {
    return elementwise.applyBinary("minimum", this, other);
  }
  /** Whether equal, elementwise. */
  eq(other: Tensor | number): Tensor {
    return elementwise.compare("eq", this, other);
  }
  /** Whether different, elementwise. */
  ne(other: Tensor | number): Tensor {
    return elementwise.compare("ne", this, other);
  }
  /** Whether less, elementwise. */
  lt(other: Tensor | number): Tensor {
    return elementwise.compare("lt", this, other);
  }
  /** Whether less or equal, elementwise. */
  le(other: Tensor | number): Tensor {
    return elementwise.compare("le", this, other);
  }
  /** Whether greater, elementwise. */
  gt(other: Tensor | number): Tensor {
    return elementwise.compare("gt", this, other);
  }
  /** Whether greater or equal, elementwise. */
  ge(other: Tensor | number): Tensor {
    return elementwise.compare("ge", this, other);
  }
  /** Both true. */
  logicalAnd(other: Tensor): Tensor {
    return elementwise.compare("logicalAnd", this.cast("bool"), other.cast("bool"));
  }
  /** Either true. */
  logicalOr(other: Tensor): Tensor {
    return elementwise.compare("logicalOr", this.cast("bool"), other.cast("bool"));
  }
  /** Not true. */
  logicalNot(): Tensor {
    return elementwise.applyUnary("logicalNot", this.cast("bool"));
  }

  /** -x. */
  neg(): Tensor {
    return elementwise.applyUnary("neg", this);
  }
  /** |x|. */
  abs(): Tensor {
    return elementwise.applyUnary("abs", this);
  }
  /** -1, 0 or 1. */
  sign(): Tensor {
    return elementwise.applyUnary("sign", this);
  }
  /** Largest integer not above x. */
  floor(): Tensor {
    return elementwise.applyUnary("floor", this);
  }
  /** Smallest integer not below x. */
  ceil(): Tensor {
    return elementwise.applyUnary("ceil", this);
  }
  /** Nearest integer, ties to even. */
  round(): Tensor {
    return elementwise.applyUnary("round", this);
  }
  /** e**x. */
  exp(): Tensor {
    return elementwise.applyUnary("exp", this);
  }
  /** Natural logarithm. */
  log(): Tensor {
    return elementwise.applyUnary("log", this);
  }
  /** Square root. */
  sqrt(): Tensor {
    return elementwise.applyUnary("sqrt", this);
  }
  /** 1 / sqrt(x). */
  rsqrt(): Tensor {
    return elementwise.applyUnary("rsqrt", this);
  }
  /** x * x. */
  square(): Tensor {
    return elementwise.applyUnary("square", this);
  }
  /** 1 / x. */
  reciprocal(): Tensor {
    return elementwise.applyUnary("reciprocal", this);
  }
  /** Sine. */
  sin(): Tensor {
    return elementwise.applyUnary("sin", this);
  }
  /** Cosine. */
  cos(): Tensor {
    return elementwise.applyUnary("cos", this);
  }
  /** Hyperbolic tangent. */
  tanh(): Tensor {
    return elementwise.applyUnary("tanh", this);
  }
  /** Error function. */
  erf(): Tensor {
    return elementwise.applyUnary("erf", this);
  }
  /** 1 / (1 + e**-x). */
  sigmoid(): Tensor {
    return elementwise.applyUnary("sigmoid", this);
  }
  /** x * sigmoid(x). */
  silu(): Tensor {
    return elementwise.applyUnary("silu", this);
  }
  /** max(x, 0); the gradient at 0 is 0. */
  relu(): Tensor {
    return elementwise.applyUnary("relu", this);
  }
  /** log(1 + e**x), without overflow. */
  softplus(): Tensor {
    return elementwise.applyUnary("softplus", this);
  }
  /** x * Phi(x) with the exact error function. */
  gelu(): Tensor {
    return elementwise.applyUnary("gelu", this);
  }
  /** The tanh approximation of gelu (gelu_new). */
  geluTanh(): Tensor {
    return elementwise.applyUnary("geluTanh", this);
  }
  /** Neither infinite nor NaN, decided by the bits. */
  isFinite(): Tensor {
    return elementwise.applyUnary("isFinite", this.cast("f32"), "bool");
  }
  /** NaN, decided by the bits. */
  isNaN(): Tensor {
    return elementwise.applyUnary("isNaN", this.cast("f32"), "bool");
  }
  /** this - other * floor(this / other), of other's sign (Python's %). */
  remainder(other: Tensor | number): Tensor {
    const [x, y] = elementwise.broadcast(this, other, "remainder");
    return x.sub(x.floorDivide(y).mul(y));
  }
  /** Limits to [min, max]; the gradient is 1 inside, bounds included. */
  clamp(min?: number, max?: number): Tensor {
    const low = min === undefined ? this : this.where(this.ge(min), min);
    return max === undefined ? low : low.where(low.le(max), max);
  }
  /** This where cond holds, other elsewhere, all broadcast. */
  where(cond: Tensor, other: Tensor | number): Tensor {
    return elementwise.choose(this, cond, other);
  }
  /** A value where mask holds, this elsewhere. */
  maskedFill(mask: Tensor, value: number): Tensor {
    return this.where(mask.logicalNot(), value);
  }
  /** The same values in another dtype; the gradient is converted back. */
  cast(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }

  /** Sum over axes (all when omitted); truth values are counted. */
  sum(axes?: Axes, keepdim = false): Tensor {
    return reduction.sum(this, axes, keepdim);
  }
  /** Mean over axes (all when omitted). */
  mean(axes?: Axes, keepdim = false): Tensor {
    return reduction.mean(this, axes, keepdim);
  }
  /** Product over axes (all when omitted). */
  prod(axes?: Axes, keepdim = false): Tensor {
    return reduction.reduceAxes(this, "prod", axes, keepdim);
  }
  /** Largest value over axes; ties share the gradient. */
  max(axes?: Axes, keepdim = false): Tensor {
    return reduction.reduceAxes(this, "max", axes, keepdim);
  }
  /** Smallest value over axes; ties share the gradient. */
  min(axes?: Axes, keepdim = false): Tensor {
    return reduction.reduceAxes(this, "min", axes, keepdim);
  }
  /** Variance over axes: squared deviations over (n - correction). */
  var(axes?: Axes, keepdim = false, correction = 0): Tensor {
    return reduction.variance(this, axes, keepdim, correction);
  }
  /** Standard deviation over axes: the root of {@linkcode Tensor.var}. */
  std(axes?: Axes, keepdim = false, correction = 0): Tensor {
    return this.var(axes, keepdim, correction).sqrt();
  }
  /** Norm of order p over axes (all when omitted); Infinity gives the largest magnitude. */
  norm(p = 2, axes?: Axes, keepdim = false): Tensor {
    return reduction.norm(this, p, axes, keepdim);
  }
  /** Whether any element over axes is not zero. */
  any(axes?: Axes, keepdim = false): Tensor {
    return this.cast("bool").cast("i32").sum(axes, keepdim).gt(0);
  }
  /** Whether all elements over axes are not zero. */
  all(axes?: Axes, keepdim = false): Tensor {
    return this.logicalNot().any(axes, keepdim).logicalNot();
  }
  /** Index of the first largest value along an axis (flattened when omitted), i32. */
  argmax(axis?: number): Tensor {
    return indexing.argmax(this, axis);
  }
  /** Index of the first smallest value along an axis (flattened when omitted), i32. */
  argmin(axis?: number): Tensor {
    return indexing.argmin(this, axis);
  }
  /** Inclusive running sum along an axis. */
  cumsum(axis: number): Tensor {
    return indexing.cumsum(this, axis);
  }
  /** Sorts along an axis (the last by default), stably. */
  sort(axis = -1, descending = false): sorting.Sorted {
    return sorting.sort(this, axis, descending);
  }
  /** The k largest elements along an axis (the last by default), in order. */
  topk(k: number, axis = -1, largest = true): sorting.Sorted {
    return sorting.topk(this, k, axis, largest);
  }

  /** The same elements, row-major, under another shape; one length may be -1. */
  reshape(shape: readonly number[]): Tensor {
    return views.reshape(this, shape);
  }
  /** Reorders axes: output axis k is axis axes[k]. */
  permute(axes: readonly number[]): Tensor {
    return views.permute(this, axes);
  }
  /** Swaps two axes. */
  transpose(a: number, b: number): Tensor {
    return views.transpose(this, a, b);
  }
  /** Moves an axis to another place; the others keep their order. */
  movedim(from: number, to: number): Tensor {
    return views.movedim(this, from, to);
  }
  /** Repeats axes of length one (and adds leading axes) up to a shape; a length of -1 stays what it is. */
  expand(shape: Shape): Tensor {
    return views.expand(this, shape);
  }
  /** Part of each axis, with Python's meaning of [start, end, step]; a negative step walks backwards. */
  slice(ranges: readonly Range[]): Tensor {
    return views.slice(this, ranges);
  }
  /** One position of an axis, which goes; counts from the end where negative. */
  select(axis: number, index: number): Tensor {
    return views.select(this, axis, index);
  }
  /** Surrounds with a value: [before, after] per axis; negative amounts crop. */
  pad(pads: readonly (readonly [number, number])[], value = 0): Tensor {
    return views.pad(this, pads, value);
  }
  /** Reverses axes. */
  flip(axes: number | readonly number[]): Tensor {
    return views.flip(this, axes);
  }
  /** Removes an axis of length one, or all of them when omitted. */
  squeeze(axis?: number): Tensor {
    return views.squeeze(this, axis);
  }
  /** Adds an axis of length one. */
  unsqueeze(axis: number): Tensor {
    return views.unsqueeze(this, axis);
  }
  /** Joins the axes from startAxis to endAxis, both included, into one. */
  flatten(startAxis = 0, endAxis = -1): Tensor {
    return views.flatten(this, startAxis, endAxis);
  }
  /** Cuts an axis into pieces of the given lengths. */
  split(sizes: readonly number[], axis = 0): Tensor[] {
    return indexing.split(this, sizes, axis);
  }
  /** Cuts an axis into `count` pieces, the last one shorter where it does not divide evenly. */
  chunk(count: number, axis = 0): Tensor[] {
    return indexing.chunk(this, count, axis);
  }
  /** out[..., i, ...] = this[..., index[..., i, ...], ...] along an axis. */
  gather(axis: number, index: Tensor): Tensor {
    return indexing.gather(this, axis, index);
  }
  /** A copy with src added at index along an axis; repeated positions add up. */
  scatterAdd(axis: number, index: Tensor, src: Tensor): Tensor {
    return indexing.scatterAdd(this, axis, index, src);
  }
  /** The positions of an axis that index names, which may repeat. */
  indexSelect(axis: number, index: Tensor): Tensor {
    return indexing.indexSelect(this, axis, index);
  }
  /** Zero above the given diagonal of the last two axes. */
  tril(diagonal = 0): Tensor {
    return indexing.triangle(this, diagonal, "lower");
  }
  /** Zero below the given diagonal of the last two axes. */
  triu(diagonal = 0): Tensor {
    return indexing.triangle(this, diagonal, "upper");
  }
  /** Matrix product with NumPy's rules for one, two and more axes. */
  matmul(other: Tensor): Tensor {
    return matmul(this, other);
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
  /** The elements as NumPy prints them; computes and reads back what is needed. */
  format(options?: FormatOptions): Promise<string> {
    return format(this, options);
  }
  /** Shape and dtype, for messages; {@linkcode Tensor.format} shows the elements. */
  toString(): string {
    return `Tensor(${show(this.shape)}, ${this.dtype}, ${this.primitive.name})`;
  }
}
