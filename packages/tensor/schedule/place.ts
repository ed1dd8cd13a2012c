/** Where things lie in packed vectors, and what can be computed there instead of being copied. */
import { byteLength } from "../dtype.ts";
import type { ConcatPrimitive } from "../primitive.ts";
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

/** The first byte of each part of a packed vector. */
export function offsetsIn(whole: Tensor): readonly number[] {
  const { starts } = whole.primitive as ConcatPrimitive;
  return starts.map((start) => byteLength(whole.dtype, start));
}

/**
 * Tells apart packed vectors with zeros between their parts. Nobody writes these zeros: they are there from the start,
 * so only vectors with parts in the same places can share memory. Undefined for all other tensors.
 */
export function gapsOf({ primitive, inputs, size }: Tensor): string | undefined {
  if (primitive.kind !== "concat") return undefined;
  const sizes = inputs.map((t) => t.size);
  return sizes.reduce((n, s) => n + s, 0) === size ? undefined : `${sizes} at ${primitive.starts}`;
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
    for (const t of new Set(k.reads)) {
      if (!readers.has(t)) readers.set(t, []);
      readers.get(t)!.push(k);
    }
  }
  const liesIn = (t: Tensor, whole: Tensor) => t === whole || places.get(t)?.whole === whole;
  for (const pack of kernels) {
    if (pack.kernel) continue;
    const whole = pack.root;
    const offsets = offsetsIn(whole);
    const seen = new Set<Tensor>();
    const twice = new Set(pack.reads.filter((t) => seen.has(t) || (seen.add(t), false)));
    for (const [i, t] of pack.reads.entries()) {
      const maker = makers.get(t);
      if (!maker?.kernel || !free(t) || places.has(t) || twice.has(t) || offsets[i] % ALIGNMENT !== 0) continue;
      const mixes = maker.reads.some((read) => liesIn(read, whole)) ||
        readers.get(t)!.some((k) => k !== pack && liesIn(k.root, whole));
      if (!mixes) places.set(t, { whole, offset: offsets[i] });
    }
  }
  return places;
}
