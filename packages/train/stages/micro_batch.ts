/** Parts of batches, and means over them. */
import type { Params } from "@dipp/nn";
import { Tensor, treeMap } from "@dipp/tensor";

/** The mean of numbers, one a micro-batch. */
export function mean(values: readonly Tensor[]): Tensor {
  return values.length === 1 ? values[0] : values.reduce((a, b) => a.add(b)).div(values.length);
}

/** A tree of batches, of which some rows are taken. */
export function partOf<T extends object>(batch: T, part: (x: Tensor) => Tensor): T {
  return treeMap<unknown, unknown>(batch as Params, (x) => x instanceof Tensor ? part(x) : x) as T;
}
