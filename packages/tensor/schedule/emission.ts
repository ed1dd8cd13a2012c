/** Follows the graph from a kernel's root down to what it reads, and writes what it computes as an expression. */
import { scalarType } from "../dtype.ts";
import type { Emitter } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";
import { type Definition, type Expression, ExpressionPool, type ScalarType } from "./expression.ts";
import { type Index, ravel, variable } from "./index_expression.ts";

/** The core of a kernel, whose value stands in for it where the epilogue reads it. */
export interface CoreValue {
  readonly tensor: Tensor;
  /** Key of the linear index at which the value is that of the core. */
  readonly position: string;
}

/** Raised when an epilogue reads its core anywhere but at the element just computed. */
export class NotFusable extends Error {}

/** The expressions of one straight piece of a kernel: its body, a loop's body or an epilogue. */
export class Emission implements Emitter {
  /** Makes the expressions. */
  readonly pool: ExpressionPool = new ExpressionPool();
  /** Results of primitives, which are worth a name. */
  readonly results: Set<Expression> = new Set();
  readonly #values = new Map<string, Expression>();
  readonly #ids = new Map<Tensor, number>();
  readonly #stored: (tensor: Tensor) => boolean;
  readonly #core: CoreValue | undefined;

  /** `stored` tells which tensors lie in buffers. */
  constructor(stored: (tensor: Tensor) => boolean, core?: CoreValue) {
    this.#stored = stored;
    this.#core = core;
  }

  literal(value: number, type: ScalarType): Expression {
    return this.pool.literal(value, type);
  }

  index(index: Index): Expression {
    return this.pool.index(index);
  }

  call(callee: Definition, args: readonly Expression[]): Expression {
    return this.pool.call(callee, args);
  }

  threefry(lane: 0 | 1, args: readonly Expression[]): Expression {
    return this.pool.threefry(lane, args);
  }

  variable(value: Expression, size: number): Index {
    return variable(`$${value.id}`, size, value);
  }

  value(tensor: Tensor, coords: readonly Index[]): Expression {
    if (tensor !== this.#core?.tensor) return this.#value(tensor, coords, false);
    if (ravel(coords, tensor.shape).key !== this.#core.position) throw new NotFusable();
    return this.pool.core(scalarType(tensor.dtype));
  }

  /** Value of a kernel's own root, which is computed even though it will lie in a buffer. */
  root(tensor: Tensor, coords: readonly Index[]): Expression {
    return tensor === this.#core?.tensor ? this.value(tensor, coords) : this.#value(tensor, coords, true);
  }

  #value(tensor: Tensor, coords: readonly Index[], root: boolean): Expression {
    const { primitive, dtype } = tensor;
    if (!root && this.#stored(tensor)) return this.pool.load(tensor, ravel(coords, tensor.shape), scalarType(dtype));
    if (primitive.kind !== "inline") throw new NotFusable();
    if (!this.#ids.has(tensor)) this.#ids.set(tensor, this.#ids.size);
    const key = `${this.#ids.get(tensor)}@${coords.map((c) => c.key)}`;
    const known = this.#values.get(key);
    if (known) return known;
    const value = primitive.emit(this, tensor, coords);
    if (!primitive.view) this.results.add(value);
    this.#values.set(key, value);
    return value;
  }
}
