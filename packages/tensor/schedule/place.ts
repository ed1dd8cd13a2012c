/** Finds intermediates that can be computed straight in their place in a packed vector, instead of being copied there. */
import { byteLength } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import type { LoweredKernel } from "./lower.ts";

/** Every device binds ranges that start at multiples of this. */
const ALIGNMENT = 256;

/** Where a tensor lies: from a byte on in the buffer of another. */
export interface Place {
  /** The packed vector. */
  readonly whole: Tensor;
  /** First byte in it. */
  readonly offset: number;
}

/**
 * Places for what is packed. A tensor qualifies if a kernel writes it to memory that is `free` to choose, if the vector
 * holds it once, where a binding may begin, and if no kernel would read one part of the vector while it writes another:
 * devices refuse that.
 *
 * @param kernels What runs, in order.
 * @param free Whether nothing else says where a tensor lies.
 */
export function placesInPacked(
  kernels: readonly LoweredKernel[],
  free: (tensor: Tensor) => boolean,
): Map<Tensor, Place> {
  const places = new Map<Tensor, Place>();
  const makers = new Map(kernels.map((k) => [k.root, k]));
  const readers = new Map<Tensor, LoweredKernel[]>();
  for (const k of kernels) {
    for (const t of new Set(k.reads)) readers.set(t, [...readers.get(t) ?? [], k]);
  }
  const liesIn = (t: Tensor, whole: Tensor) => t === whole || places.get(t)?.whole === whole;
  for (const pack of kernels) {
    if (pack.kernel) continue;
    const whole = pack.root;
    let end = 0;
    for (const t of pack.reads) {
      const offset = end;
      end += byteLength(t.dtype, t.size);
      const maker = makers.get(t);
      if (!maker?.kernel || !free(t) || places.has(t) || offset % ALIGNMENT !== 0) continue;
      if (pack.reads.indexOf(t) !== pack.reads.lastIndexOf(t)) continue;
      const mixes = maker.reads.some((read) => liesIn(read, whole)) ||
        readers.get(t)!.some((k) => k !== pack && liesIn(k.root, whole));
      if (!mixes) places.set(t, { whole, offset });
    }
  }
  return places;
}
