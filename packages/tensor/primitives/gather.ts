/** Reads along one axis at positions that another tensor holds. */
import type { InlinePrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

/**
 * out[..., i, ...] = input[..., index[..., i, ...], ...] along `axis`. `scatter` builds the gradient: it adds the
 * incoming gradient, at the same positions, into zeros of the input's shape.
 */
export function gather(
  input: Tensor,
  axis: number,
  index: Tensor,
  scatter: (g: Tensor) => Tensor,
): InlinePrimitive {
  return {
    kind: "inline",
    name: "gather",
    cost: 2,
    vjp: (g) => [scatter(g), null],
    emit(e, _node, coords) {
      const n = input.shape[axis];
      // Clamped so that a bad index reads a wrong row rather than a neighbouring tensor
      const at = e.value(index, coords).convert("u32").apply("min", n - 1);
      return e.value(input, coords.map((c, i) => i === axis ? e.variable(at, n) : c));
    },
  };
}
