/** Elementwise choice and conversion of dtype. */
import { type DType, isHalf, scalarType } from "../dtype.ts";
import type { InlinePrimitive } from "../primitive.ts";
import { rounded } from "../schedule/half.ts";
import type { Tensor } from "../tensor.ts";

/** cond ? x : y, all of one shape. */
export function select(cond: Tensor, x: Tensor, y: Tensor): InlinePrimitive {
  return {
    kind: "inline",
    name: "where",
    cost: 1,
    // A product with the mask would turn an infinite gradient of the other branch into NaN
    vjp: (g) => [null, g.where(cond, 0), g.where(cond.logicalNot(), 0)],
    emit: (e, _node, coords) => e.value(cond, coords).select(e.value(x, coords), e.value(y, coords)),
  };
}

/** Conversion to another dtype, which to 16 bits rounds even where nothing is stored; the gradient is converted back. */
export function cast(input: Tensor, dtype: DType): InlinePrimitive {
  const from = scalarType(input.dtype);
  const to = scalarType(dtype);
  return {
    kind: "inline",
    name: "cast",
    cost: isHalf(dtype) ? 3 : 0.5,
    ...(to === "f32" && from === "f32" &&
      { vjp: (g: Tensor) => [g.cast(input.dtype)] }),
    emit(e, _node, coords) {
      const x = e.value(input, coords);
      return isHalf(dtype) ? rounded(e, dtype, x.convert("f32")) : x.convert(to);
    },
  };
}
