/**
 * What all optimisers have in common.
 *
 * @module
 */

import { full, type Tensor } from "@dipp/tensor";
import type { Params } from "./params.ts";

/** What changes from one update to the next. */
export interface UpdateOptions {
  /**
   * The learning rate. In a compiled step pass a tensor that is an input of the
   * step: a number would stay what it was when the step was traced. Default:
   * the optimiser's own.
   */
  readonly lr?: Tensor | number;
}

/** An update as expressions; {@linkcode assignTree} writes them back. */
export interface Update<P extends Params, State extends Params> {
  /** The new parameters. */
  readonly params: P;
  /** The new state. */
  readonly state: State;
}

/**
 * An optimiser: two pure functions. Its state is a tree of tensors, the step
 * count among them, so a compiled step never holds a stale count, and a
 * checkpoint of parameters and state resumes bit for bit.
 */
export interface Optimiser<State extends Params> {
  /** Builds the state before the first update, as expressions. */
  init(params: Params): State;
  /** Builds the parameters and the state after one more update. */
  update<P extends Params>(
    params: P,
    grads: Params,
    state: State,
    options?: UpdateOptions,
  ): Update<P, State>;
}

/** Whether a parameter takes part in weight decay. */
export type DecayPredicate = (name: string, parameter: Tensor) => boolean;

/** The learning rate of an update as a tensor without axes. */
export function learningRate(
  lr: Tensor | number,
): Tensor {
  return typeof lr === "number" ? full([], lr) : lr.reshape([]);
}

/** Throws unless `low <= value < high`. */
export function checkRange(
  name: string,
  value: number,
  low: number,
  high: number,
): void {
  if (value >= low && value < high) return;
  const bound = high === Infinity ? `at least ${low}` : `in [${low}, ${high})`;
  throw new RangeError(`${name} is ${value}, expected a number ${bound}`);
}
