/** Reductions over axes, which stay in the result with length one. */
import type { ReducePrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

/** Sum, largest or smallest value over `axes`; tied extremes share the gradient evenly (torch.amax). */
export function reduce(
  input: Tensor,
  combine: ReducePrimitive["combine"],
  axes: readonly number[],
): ReducePrimitive {
  return {
    kind: "reduce",
    name: combine,
    axes,
    combine,
    vjp: (g, out) => {
      if (combine === "sum") return [g.expand(input.shape)];
      const ties = input.eq(out.expand(input.shape)).cast(g.dtype);
      return [g.div(ties.sum(axes, true)).expand(input.shape).mul(ties)];
    },
  };
}
