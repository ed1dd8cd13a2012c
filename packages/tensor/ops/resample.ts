/** Separable linear maps of images: one matrix for the rows, one for the columns. */
import { tensor } from "../creation.ts";
import { type Shape, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** What each output position takes from an axis: first input position, then the weights of it and its successors. */
export interface Taps {
  /** First input position. */
  readonly first: number;
  /** Weights of the positions from there on. */
  readonly weights: readonly number[];
}

/** The map of one axis of length `length`, dense: [outputs, length]; null where it changes nothing. */
export type AxisMap = { readonly length: number; readonly taps: readonly Taps[] } | null;

function matrix({ length, taps }: NonNullable<AxisMap>): Tensor {
  const data = new Float32Array(taps.length * length);
  taps.forEach(({ first, weights }, row) => weights.forEach((w, k) => data[row * length + first + k] += w));
  return tensor(data, [taps.length, length]);
}

/**
 * Applies a linear map to the rows of images and another to their columns, as two matrix products: exact gradients of
 * every order, and on a GPU faster than gathering taps one by one.
 *
 * @param x [N, C, H, W].
 * @param vertical Map of the H axis.
 * @param horizontal Map of the W axis.
 * @returns [N, C, outputs of vertical, outputs of horizontal].
 */
export function resample(x: Tensor, vertical: AxisMap, horizontal: AxisMap): Tensor {
  const wide = horizontal ? x.matmul(matrix(horizontal).transpose(0, 1)) : x;
  return vertical ? matrix(vertical).matmul(wide) : wide;
}

/** The lengths of an image's axes, or an error that names the op. */
export function imageShape(shape: Shape, op: string): [number, number, number, number] {
  if (shape.length !== 4) throw new RangeError(`Cannot apply ${op} to ${show(shape)}: expected [N, C, H, W]`);
  return [...shape] as [number, number, number, number];
}
