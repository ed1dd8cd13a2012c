/** Many tensors as one vector, and back. */
import { isHalf } from "../dtype.ts";
import { type Shape, show, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** How tensors lie in a packed vector. */
export interface PackOptions {
  /**
   * Elements that every tensor's place is a multiple of; between two of them lie zeros. What begins at multiples of 64
   * (256 bytes, what any device binds) need not be copied: the kernel that computes it writes it where it belongs.
   *
   * @default {1}
   */
  readonly align?: number;
}

/**
 * All elements of several tensors, row-major, one tensor after another. Unlike `cat` this copies, and so takes any
 * number of tensors: one update of a packed vector replaces one of every tensor.
 *
 * @param tensors At least one, all of one 32-bit dtype.
 * @param options Where they begin.
 * @returns One axis as long as all of them, and the zeros between them.
 * @throws {RangeError} If there are no tensors, or the alignment is no whole number, 1 or more.
 * @throws {TypeError} If the dtypes differ, or have 16 bits.
 *
 * @example
 * ```ts
 * import { pack, tensor, unpack } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const packed = pack([tensor([[1, 2], [3, 4]]), tensor([5])]);
 * assertEquals([...await packed.data()], [1, 2, 3, 4, 5]);
 * assertEquals(unpack(packed, [[2, 2], [1]])[0].shape, [2, 2]);
 *
 * const aligned = pack([tensor([1, 2, 3]), tensor([5])], { align: 4 });
 * assertEquals([...await aligned.data()], [1, 2, 3, 0, 5]);
 * ```
 */
export function pack(tensors: readonly Tensor[], options: PackOptions = {}): Tensor {
  if (tensors.length === 0) throw new RangeError("Cannot pack no tensors: expected at least one");
  const { dtype } = tensors[0];
  if (isHalf(dtype) || tensors.some((t) => t.dtype !== dtype)) {
    throw new TypeError(`Cannot pack dtypes ${[...new Set(tensors.map((t) => t.dtype))]}: expected one of 32 bits`);
  }
  const flat = tensors.filter((t) => t.size > 0).map((t) => t.reshape([-1]));
  const { starts, total } = packedStarts(flat.map((t) => t.size), options);
  return new Tensor(
    { kind: "concat", name: "pack", starts, vjp: (g) => unpack(g, flat.map((t) => t.shape), options) },
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
 * @param options Where they begin, as they were packed.
 * @throws {RangeError} If the shapes do not fill the vector, or the alignment is no whole number, 1 or more.
 */
export function unpack(packed: Tensor, shapes: readonly Shape[], options: PackOptions = {}): Tensor[] {
  const { starts, total } = packedStarts(shapes.map(sizeOf), options);
  if (packed.ndim !== 1 || packed.size !== total) {
    throw new RangeError(`Cannot unpack ${show(packed.shape)} into shapes of ${total} elements in all`);
  }
  return shapes.map((shape, i) => packed.slice([[starts[i], starts[i] + sizeOf(shape)]]).reshape(shape));
}

/**
 * Where tensors lie in a packed vector. Those without elements take no place.
 *
 * @param sizes Elements of each.
 * @param options How they lie.
 * @returns The first element of each, and the length of the vector.
 * @throws {RangeError} If the alignment is no whole number, 1 or more.
 *
 * @example
 * ```ts
 * import { packedStarts } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(packedStarts([3, 5, 1], { align: 4 }), { starts: [0, 4, 12], total: 13 });
 * ```
 */
export function packedStarts(
  sizes: readonly number[],
  { align = 1 }: PackOptions = {},
): { starts: number[]; total: number } {
  if (!Number.isSafeInteger(align) || align < 1) {
    throw new RangeError(`align is ${align}, expected a whole number, 1 or more`);
  }
  let total = 0;
  const starts = sizes.map((size) => {
    if (size === 0) return total;
    const start = Math.ceil(total / align) * align;
    total = start + size;
    return start;
  });
  return { starts, total };
}
