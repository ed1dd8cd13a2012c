/** Repeating and rotating. */
import { tensor } from "../creation.ts";
import { normalizeAxis, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cat, indexSelect } from "./indexing.ts";

/**
 * The tensor as a whole, several times along each axis (torch.Tensor.repeat, numpy.tile).
 *
 * @param x The tensor; gets leading axes of length one if it has fewer than `repeats`.
 * @param repeats How often along each axis.
 *
 * @example
 * ```ts
 * import { repeat, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...await repeat(tensor([1, 2]), [2]).data()], [1, 2, 1, 2]);
 * ```
 */
export function repeat(x: Tensor, repeats: readonly number[]): Tensor {
  if (repeats.length < x.ndim || repeats.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new RangeError(
      `Cannot repeat ${show(x.shape)} by ${show(repeats)}: expected a count for each of ${x.ndim} axes or more`,
    );
  }
  const shape = [...new Array<number>(repeats.length - x.ndim).fill(1), ...x.shape];
  return x.reshape(shape.flatMap((n) => [1, n]))
    .expand(shape.flatMap((n, i) => [repeats[i], n]))
    .reshape(shape.map((n, i) => n * repeats[i]));
}

/**
 * Each element several times in a row (torch.repeat_interleave).
 *
 * @param x The tensor.
 * @param repeats How often, or how often for each position of the axis.
 * @param axis The axis to lengthen.
 */
export function repeatInterleave(x: Tensor, repeats: number | readonly number[], axis: number): Tensor {
  const at = normalizeAxis(axis, x.ndim, "repeatInterleave");
  const n = x.shape[at];
  const counts = typeof repeats === "number" ? new Array<number>(n).fill(repeats) : repeats;
  if (counts.length !== n || counts.some((c) => !Number.isInteger(c) || c < 0)) {
    throw new RangeError(
      `Cannot repeat axis ${axis} of ${show(x.shape)} by ${show(counts)}: expected ${n} counts from 0 up`,
    );
  }
  if (typeof repeats !== "number") {
    return indexSelect(x, at, tensor(Int32Array.from(counts.flatMap((c, i) => new Array<number>(c).fill(i)))));
  }
  const split = [...x.shape.slice(0, at + 1), 1, ...x.shape.slice(at + 1)];
  return x.reshape(split).expand(split.map((m, i) => i === at + 1 ? repeats : m))
    .reshape(x.shape.map((m, i) => i === at ? m * repeats : m));
}

/**
 * Shifts elements along axes; what leaves at one end comes back at the other (torch.roll).
 *
 * @param x The tensor.
 * @param shifts Positions to move by, one for each of `axes`; a single one without axes rolls the flattened tensor.
 * @param axes The axes.
 */
export function roll(x: Tensor, shifts: number | readonly number[], axes?: number | readonly number[]): Tensor {
  const by = typeof shifts === "number" ? [shifts] : shifts;
  if (axes === undefined) {
    if (by.length !== 1) {
      throw new RangeError(`Cannot roll ${show(x.shape)} by ${show(by)}: expected an axis for each shift`);
    }
    return roll(x.reshape([-1]), by, 0).reshape(x.shape);
  }
  const along = typeof axes === "number" ? [axes] : axes;
  if (along.length !== by.length || by.some((s) => !Number.isInteger(s))) {
    throw new RangeError(
      `Cannot roll ${show(x.shape)} by ${show(by)} along ${show(along)}: expected an integer for each axis`,
    );
  }
  return along.reduce((y, axis, i) => {
    const at = normalizeAxis(axis, x.ndim, "roll");
    const n = y.shape[at];
    const cut = n === 0 ? 0 : ((-by[i] % n) + n) % n;
    if (cut === 0) return y;
    const part = (from: number, to: number) => y.slice(y.shape.map((_, a) => a === at ? [from, to] : null));
    return cat([part(cut, n), part(0, cut)], at);
  }, x);
}
