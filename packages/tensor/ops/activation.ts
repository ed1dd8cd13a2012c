/** Activation functions, as free functions. */
import type { Tensor } from "../tensor.ts";

/** x * Phi(x), exact. */
export function gelu(x: Tensor): Tensor {
  return x.gelu();
}

/** The tanh approximation of gelu (gelu_new, gelu-approximate). */
export function geluTanh(x: Tensor): Tensor {
  return x.geluTanh();
}

/** x * sigmoid(1.702 x) (OpenAI CLIP). */
export function quickGelu(x: Tensor): Tensor {
  return x.mul(x.mul(1.702).sigmoid());
}

/** x * tanh(softplus(x)). */
export function mish(x: Tensor): Tensor {
  return x.mul(x.softplus().tanh());
}

/** x where positive, slope * x elsewhere. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return x.where(x.gt(0), x.mul(slope));
}
