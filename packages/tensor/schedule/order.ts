/** The order of kernels: what lets go of memory runs as soon as it can. */
import { byteLength } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import type { LoweredKernel } from "./lower.ts";

/**
 * Reorders kernels that come after those they read. As long as a kernel can run that gives up at least as much memory
 * as it takes (a weight gradient, after which neither the activation nor the output gradient is needed), that is next;
 * else the first in the given order. New values of state wait until nobody reads the old ones any more, so that they
 * may overwrite them.
 *
 * @param kernels In an order in which they can run.
 * @param updates New values of state, with that state.
 * @param kept Tensors whose memory is not given up.
 */
export function orderForMemory(
  kernels: readonly LoweredKernel[],
  updates: ReadonlyMap<Tensor, Tensor>,
  kept: ReadonlySet<Tensor>,
): LoweredKernel[] {
  const made = new Map(kernels.map((k) => [k.root, k]));
  const readers = new Map<Tensor, Set<LoweredKernel>>();
  for (const k of kernels) {
    for (const t of k.reads) {
      if (!readers.has(t)) readers.set(t, new Set());
      readers.get(t)!.add(k);
    }
  }
  const bytes = (t: Tensor) => made.has(t) && !kept.has(t) ? byteLength(t.dtype, t.size) : 0;
  const missing = new Map(kernels.map((k) => [k, new Set(k.reads.filter((t) => made.has(t)))]));
  const overwrites = (k: LoweredKernel) => readers.has(k.root) ? undefined : updates.get(k.root);
  const isFree = (k: LoweredKernel) => {
    const state = overwrites(k);
    const waiting = state && readers.get(state);
    return !waiting || waiting.size === 0 || waiting.size === 1 && waiting.has(k);
  };
  const growth = (k: LoweredKernel) => {
    let net = overwrites(k) ? 0 : bytes(k.root);
    for (const t of k.reads) if (readers.get(t)!.size === 1) net -= bytes(t);
    return net;
  };

  const ready = new Set(kernels.filter((k) => missing.get(k)!.size === 0));
  const waiting = new Set([...kernels.filter((k) => !overwrites(k)), ...kernels.filter((k) => overwrites(k))]);
  const order: LoweredKernel[] = [];
  while (waiting.size > 0) {
    let next: LoweredKernel | undefined;
    let least = 1;
    for (const k of ready) {
      const net = growth(k);
      if (net < least && isFree(k)) [next, least] = [k, net];
    }
    next ??= firstOf(waiting, (k) => ready.has(k) && isFree(k)) ?? firstOf(waiting, (k) => ready.has(k))!;
    order.push(next);
    waiting.delete(next);
    ready.delete(next);
    for (const t of next.reads) readers.get(t)!.delete(next);
    for (const reader of readers.get(next.root) ?? []) {
      const left = missing.get(reader)!;
      left.delete(next.root);
      if (left.size === 0) ready.add(reader);
    }
  }
  return order;
}

function firstOf<T>(set: ReadonlySet<T>, holds: (item: T) => boolean): T | undefined {
  for (const item of set) if (holds(item)) return item;
}
