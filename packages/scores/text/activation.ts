import { gelu, geluTanh, quickGelu, type Tensor } from "@dipp/tensor";

/** The name of an activation function in transformers. */
export type ActivationName =
  | "gelu"
  | "gelu_new"
  | "gelu_pytorch_tanh"
  | "quick_gelu"
  | "relu"
  | "silu"
  | "swish";

/** The activation functions of text encoders by name: three GELUs that are easily confused, and more. */
export const ACTIVATIONS: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  quick_gelu: quickGelu,
  relu: (x) => x.relu(),
  silu: (x) => x.silu(),
  swish: (x) => x.silu(),
};

/** All names. */
export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as [ActivationName, ...ActivationName[]];
