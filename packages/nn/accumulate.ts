/**
 * Gradient accumulation: one update from several batches.
 *
 * @module
 */

import { type Params, zerosLike, zipParams } from "./params.ts";

/** A running mean of gradients over a fixed number of batches. */
export interface Accumulator {
  /** The number of batches that make one update. */
  readonly batches: number;
  /** Builds the empty sum. */
  init<P extends Params>(params: P): P;
  /** Adds one batch's gradients, divided by the number of batches. */
  add<P extends Params>(sum: P, grads: Params): P;
}

/**
 * Accumulates gradients in float32. After `batches` calls of `add` the sum is
 * the gradient of the mean loss; hand it to the optimiser and start again from
 * `init`.
 *
 * @param batches the number of batches that make one update
 * @returns the accumulator
 * @throws {RangeError} when `batches` is not a positive integer
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { accumulate } from "@dipp/nn";
 * import { init, tensor } from "@dipp/tensor";
 *
 * await init();
 * const { init: empty, add } = accumulate(2);
 * let sum = empty({ w: tensor([0]) });
 * for (const g of [1, 3]) sum = add(sum, { w: tensor([g]) });
 * assertEquals(await sum.w.item(), 2);
 * ```
 */
export function accumulate(batches: number): Accumulator {
  if (!Number.isInteger(batches) || batches < 1) {
    throw new RangeError(
      `batches is ${batches}, expected a positive integer`,
    );
  }
  return {
    batches,
    init: (params) => zerosLike(params, "f32"),
    add: (sum, grads) =>
      zipParams(
        ([s, g]) => s.add(g.cast("f32").mul(1 / batches)),
        sum,
        grads,
      ),
  };
}
