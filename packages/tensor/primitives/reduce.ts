/** Reductions over axes, which stay in the result with length one. */
import type { ReducePrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

/** Sum, product, largest or smallest value over `axes`; tied extremes share the gradient evenly (torch.amax). */
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
      if (combine === "prod") return [g.expand(input.shape).mul(productOfOthers(input, out, axes))];
      const ties = input.eq(out.expand(input.shape)).cast(g.dtype);
      return [g.div(ties.sum(axes, true)).expand(input.shape).mul(ties)];
    },
  };
}

/** For each element the product of all others: out / x, but where elements are zero, what is left without them. */
function productOfOthers(x: Tensor, out: Tensor, axes: readonly number[]): Tensor {
  const zero = x.eq(0);
  const zeros = zero.sum(axes, true);
  const rest = x.where(zero.logicalNot(), 1).prod(axes, true);
  const others = out.expand(x.shape).div(x.where(zero.logicalNot(), 1));
  return rest.where(zeros.eq(1), 0).expand(x.shape).where(zero, others);
}
