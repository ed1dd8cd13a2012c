/** Matrix product with NumPy's rules. */
import { isFloat, isHalf, promote } from "../dtype.ts";
import { matmul as product } from "../primitives/matmul.ts";
import { broadcastShapes, show, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { full } from "./elementwise.ts";

/**
 * Matrix product (numpy.matmul, torch.matmul): vectors count as a row on the left and a column on the right, leading
 * axes broadcast.
 *
 * @param x [..., M, K] or [K].
 * @param other [..., K, N] or [K].
 */
export function matmul(x: Tensor, other: Tensor): Tensor {
  if (x.ndim === 0 || other.ndim === 0) {
    throw new RangeError(
      `Cannot multiply matrices of shapes ${show(x.shape)} and ${show(other.shape)}: expected at least one axis`,
    );
  }
  if (x.ndim === 1) return matmul(x.unsqueeze(0), other).squeeze(other.ndim === 1 ? 0 : -2);
  if (other.ndim === 1) return matmul(x, other.unsqueeze(1)).squeeze(-1);
  const [m, k] = x.shape.slice(-2);
  const n = other.shape[other.ndim - 1];
  if (k !== other.shape[other.ndim - 2]) {
    throw new RangeError(
      `Cannot multiply matrices of shapes ${show(x.shape)} and ${show(other.shape)}: inner lengths differ`,
    );
  }
  // One tall matrix instead of many: larger tiles, and a weight gradient that is one product
  if (other.ndim === 2 && x.ndim > 2) {
    return matmul(x.reshape([sizeOf(x.shape.slice(0, -1)), k]), other).reshape([...x.shape.slice(0, -1), n]);
  }
  const dtype = promote(x.dtype, other.dtype);
  const batch = broadcastShapes(x.shape.slice(0, -2), other.shape.slice(0, -2), "matmul");
  if (k === 0) return full([...batch, m, n], 0, dtype);
  if (!isFloat(dtype)) {
    // Exact: the products' kernels sum in f32
    const whole = dtype === "bool" ? "i32" : dtype;
    return x.cast(whole).unsqueeze(-1).mul(other.cast(whole).unsqueeze(-3)).sum(-2);
  }
  // Kernels read 16-bit factors as they are and sum in f32
  const wide = isHalf(dtype) ? "f32" : dtype;
  const a = x.cast(wide).expand([...batch, m, k]);
  const b = other.cast(wide).expand([...batch, k, n]);
  return new Tensor(product(a, b), [a, b], [...batch, m, n], wide).cast(dtype);
}
