/** Padding with what the tensor holds. */
import { tensor } from "../creation.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { indexSelect } from "./indexing.ts";

/** What lies outside: the inside mirrored at the edge's element, the edge's element, or the other end. */
export type PadMode = "reflect" | "replicate" | "circular";

const SOURCE: Record<PadMode, (i: number, n: number) => number> = {
  reflect: (i, n) => i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i,
  replicate: (i, n) => Math.min(n - 1, Math.max(0, i)),
  circular: (i, n) => (i + n) % n,
};

/**
 * Surrounds a tensor with values of its own (torch.nn.functional.pad); `Tensor.pad` surrounds it with a constant.
 *
 * @param x The tensor.
 * @param pads [before, after] for each axis; negative amounts crop.
 * @param mode What to surround with.
 * @throws {RangeError} If reflect reaches the opposite edge, or circular goes round more than once.
 *
 * @example
 * ```ts
 * import { padWith, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...await padWith(tensor([1, 2, 3]), [[2, 1]], "reflect").data()], [3, 2, 1, 2, 3, 2]);
 * ```
 */
export function padWith(x: Tensor, pads: readonly (readonly [number, number])[], mode: PadMode): Tensor {
  if (pads.length !== x.ndim) {
    throw new RangeError(
      `Cannot pad ${show(x.shape)} with ${pads.length} pairs: expected one for each of ${x.ndim} axes`,
    );
  }
  return pads.reduce((y, [before, after], axis) => {
    if (before === 0 && after === 0) return y;
    const n = y.shape[axis];
    const most = { reflect: n - 1, replicate: Infinity, circular: n }[mode];
    if (Math.max(before, after) > most || before + n + after < 0 || n === 0) {
      throw new RangeError(
        `Cannot pad axis ${axis} of ${
          show(x.shape)
        } by [${before}, ${after}] in mode ${mode}: expected at most ${most}`,
      );
    }
    const source = Int32Array.from({ length: before + n + after }, (_, i) => SOURCE[mode](i - before, n));
    return indexSelect(y, axis, tensor(source));
  }, x);
}
