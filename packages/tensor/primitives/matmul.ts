/** Batched matrix product. */
import type { MatmulPrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

/** a [..., M, K] times b [..., K, N], equal batch shapes. */
export function matmul(a: Tensor, b: Tensor): MatmulPrimitive {
  return {
    kind: "matmul",
    name: "matmul",
    vjp: (g) => [g.matmul(b.transpose(-1, -2)), a.transpose(-1, -2).matmul(g)],
  };
}
