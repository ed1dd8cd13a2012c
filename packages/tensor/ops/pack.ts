/** Many tensors as one vector, and back. */
import { isHalf } from "../dtype.ts";
import { type Shape, show, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/**
 * All elements of several tensors, row-major, one tensor after another. Unlike `cat` this copies, and so takes any
 * number of tensors: one update of a packed vector replaces one of every tensor.
 *
 * @param tensors At least one, all of one 32-bit dtype.
 * @returns One axis as long as all of them.
 *
 * @example
 * ```ts
 * import { pack, tensor, unpack } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const packed = pack([tensor([[1, 2], [3, 4]]), tensor([5])]);
 * assertEquals([...await packed.data()], [1, 2, 3, 4, 5]);
 * assertEquals(unpack(packed, [[2, 2], [1]])[0].shape, [2, 2]);
 * ```
 */
export function pack(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) throw new RangeError("Cannot pack no tensors: expected at least one");
  const { dtype } = tensors[0];
  if (isHalf(dtype) || tensors.some((t) => t.dtype !== dtype)) {
    throw new TypeError(`Cannot pack dtypes ${[...new Set(tensors.map((t) => t.dtype))]}: expected one of 32 bits`);
  }
  const flat = tensors.filter((t) => t.size > 0).map((t) => t.reshape([-1]));
  const total = flat.reduce((n, t) => n + t.size, 0);
  return new Tensor(
    { kind: "concat", name: "pack", vjp: (g) => unpack(g, flat.map((t) => t.shape)) },
    flat,
    [total],
    dtype,
  );
}

/**
 * The tensors that lie one after another in a packed vector, as views.
 *
 * @param packed One axis.
 * @param shapes Shapes of the tensors; they fill the vector.
 */
export function unpack(packed: Tensor, shapes: readonly Shape[]): Tensor[] {
  const total = shapes.reduce((n, shape) => n + sizeOf(shape), 0);
  if (packed.ndim !== 1 || packed.size !== total) {
    throw new RangeError(`Cannot unpack ${show(packed.shape)} into shapes of ${total} elements in all`);
  }
  let start = 0;
  return shapes.map((shape) => {
    const from = start;
    start += sizeOf(shape);
    return packed.slice([[from, start]]).reshape(shape);
  });
}
