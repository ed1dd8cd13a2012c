/** Elementwise choice and conversion of dtype. */
import { type DType, isHalf, wgslType } from "../dtype.ts";
import type { InlinePrimitive } from "../primitive.ts";
import { rounded } from "../schedule/half_wgsl.ts";
import type { Tensor } from "../tensor.ts";

/** cond ? x : y, all of one shape. */
export function select(cond: Tensor, x: Tensor, y: Tensor): InlinePrimitive {
  return {
    kind: "inline",
    name: "where",
    cost: 1,
    // A product with the mask would turn an infinite gradient of the other branch into NaN
    vjp: (g) => [null, g.where(cond, 0), g.where(cond.logicalNot(), 0)],
    emit: (e, _node, coords) => `select(${e.value(y, coords)}, ${e.value(x, coords)}, ${e.value(cond, coords)})`,
  };
}

/** Conversion to another dtype, which to 16 bits rounds even where nothing is stored; the gradient is converted back. */
export function cast(input: Tensor, dtype: DType): InlinePrimitive {
  const from = wgslType(input.dtype);
  const to = wgslType(dtype);
  return {
    kind: "inline",
    name: "cast",
    cost: isHalf(dtype) ? 3 : 0.5,
    ...(to === "f32" && from === "f32" &&
      { vjp: (g: Tensor) => [g.cast(input.dtype)] }),
    emit(e, _node, coords) {
      const x = e.value(input, coords);
      if (isHalf(dtype)) return rounded(dtype, from === "f32" ? x : `f32(${x})`, (source) => e.helper(source));
      if (from === to) return x;
      if (to === "bool") return `(${x} != ${from}(0))`;
      return `${to}(${x})`;
    },
  };
}
