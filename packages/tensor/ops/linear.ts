/** Affine map. */
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/**
 * x W^T + b (torch.nn.functional.linear).
 *
 * @param x [..., in].
 * @param weight [out, in].
 * @param bias [out].
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  if (x.shape[x.ndim - 1] !== weight.shape[1]) {
    throw new RangeError(
      `Cannot apply linear to ${show(x.shape)}: the weight ${show(weight.shape)} expects ${weight.shape[1]} features`,
    );
  }
  const y = x.matmul(weight.transpose(0, 1));
  return bias ? y.add(bias) : y;
}
