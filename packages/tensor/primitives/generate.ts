/** Values that need no memory: constants, positions, random bits. */
import type { DType } from "../dtype.ts";
import { scalarType } from "../dtype.ts";
import type { InlinePrimitive } from "../primitive.ts";
import { constant, ravel } from "../schedule/index_expression.ts";
import type { Tensor } from "../tensor.ts";

/** One value everywhere. */
export function fill(value: number, dtype: DType): InlinePrimitive {
  return {
    kind: "inline",
    name: "fill",
    cost: 0,
    view: true,
    emit: (e) => e.literal(value, scalarType(dtype)),
  };
}

/** 0, 1, 2, ... along the only axis. */
export function iota(dtype: DType): InlinePrimitive {
  return {
    kind: "inline",
    name: "iota",
    cost: 0,
    view: true,
    emit: (e, _node, [c]) => e.index(c).convert(scalarType(dtype)),
  };
}

/** Threefry-2x32 of (key, position): word 0 or 1 of the block numbered by the row-major position. */
export function randomBits(key: Tensor, lane: 0 | 1): InlinePrimitive {
  return {
    kind: "inline",
    name: "randomBits",
    cost: 60,
    emit(e, node, coords) {
      const [k0, k1] = [0, 1].map((i) => e.value(key, [constant(i)]));
      return e.threefry(lane, [k0, k1, e.index(ravel(coords, node.shape)), e.literal(0, "u32")]);
    },
  };
}

/** Threefry-2x32 of (key, counter words): derives a child key. Output shape [2]. */
export function foldBits(key: Tensor, counter: Tensor): InlinePrimitive {
  return {
    kind: "inline",
    name: "foldBits",
    cost: 60,
    emit(e, _node, [c]) {
      const [k0, k1] = [0, 1].map((i) => e.value(key, [constant(i)]));
      // The second counter word keeps child keys apart from the blocks that randomBits draws
      const block = [k0, k1, e.value(counter, [constant(0)]), e.literal(0x666f6c64, "u32")];
      return e.index(c).eq(0).select(e.threefry(0, block), e.threefry(1, block));
    },
  };
}

/** A node that only passes its input on, with a gradient of its own choosing (none: stopGradient). */
export function identity(
  input: Tensor,
  name: string,
  vjp?: InlinePrimitive["vjp"],
): InlinePrimitive {
  return {
    kind: "inline",
    name,
    cost: 0,
    view: true,
    operands: 1,
    ...(vjp && { vjp }),
    emit: (e, _node, coords) => e.value(input, coords),
  };
}
