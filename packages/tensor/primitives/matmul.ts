/** Batched matrix product. */
import { currentMatmulPrecision, matmulPrecision } from "../matmul_precision.ts";
import type { MatmulPrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

/** a [..., M, K] times b [..., K, N], equal batch shapes. */
export function matmul(a: Tensor, b: Tensor): MatmulPrimitive {
  const arithmetic = currentMatmulPrecision();
  return {
    kind: "matmul",
    name: "matmul",
    arithmetic,
    // The gradient of a transposed factor is computed transposed, so that its view undoes it and nothing is copied
    vjp: (g) =>
      matmulPrecision(arithmetic, () => [
        isTransposed(a) ? flip(b.matmul(flip(g))) : g.matmul(flip(b)),
        isTransposed(b) ? flip(flip(g).matmul(a)) : flip(a).matmul(g),
      ]),
  };
}

const flip = (x: Tensor) => x.transpose(-1, -2);

function isTransposed({ primitive, ndim }: Tensor): boolean {
  return ndim === 2 && primitive.name === "permute";
}
