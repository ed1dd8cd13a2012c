/** Activation functions. */
import { geluTanh, mish, quickGelu, type Tensor } from "@dipp/tensor";
import type { Call, Operator, OperatorTable } from "../operator.ts";

/** A function of one tensor and the node's real attributes. */
function activation(
  f: (x: Tensor, number: (name: string, missing: number) => number, call: Call) => Tensor,
  since = 1,
): Operator {
  return {
    since,
    apply: (call) => {
      const number = (name: string, missing: number) => call.attributes.float(name) ?? missing;
      return call.result(f(call.tensor(0), number, call));
    },
  };
}

/** e^x - 1 of what is not positive, so that its gradient is finite where it is not used. */
function expm1OfNegative(x: Tensor): Tensor {
  return x.minimum(0).exp().sub(1);
}

function elu(x: Tensor, alpha: number): Tensor {
  return x.where(x.gt(0), expm1OfNegative(x).mul(alpha));
}

function hardSigmoid(x: Tensor, alpha: number, beta: number): Tensor {
  return x.mul(alpha).add(beta).clamp(0, 1);
}

// The constants of Klambauer et al. 2017, as the operator's definition prints them
const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

/** The activation functions. */
export const activations: OperatorTable = {
  Relu: activation((x) => x.relu()),
  LeakyRelu: activation((x, number) => x.where(x.ge(0), x.mul(number("alpha", 0.01)))),
  PRelu: activation((x, _, call) => x.where(x.ge(0), x.mul(call.tensor(1)))),
  ThresholdedRelu: activation((x, number) => x.where(x.gt(number("alpha", 1)), 0), 10),
  Elu: activation((x, number) => elu(x, number("alpha", 1))),
  Celu: activation((x, number) => {
    const alpha = number("alpha", 1);
    return x.where(x.gt(0), expm1OfNegative(x.div(alpha)).mul(alpha));
  }, 12),
  Selu: activation((x, number) => elu(x, number("alpha", SELU.alpha)).mul(number("gamma", SELU.gamma))),
  Sigmoid: activation((x) => x.sigmoid()),
  HardSigmoid: activation((x, number) => hardSigmoid(x, number("alpha", 0.2), number("beta", 0.5))),
  HardSwish: activation((x) => x.mul(hardSigmoid(x, 1 / 6, 0.5)), 14),
  Softplus: activation((x) => x.softplus()),
  Softsign: activation((x) => x.div(x.abs().add(1))),
  Mish: activation((x) => mish(x), 18),
  Swish: activation((x, number) => x.mul(x.mul(number("alpha", 1)).sigmoid()), 24),
  Gelu: activation(
    (x, _, { attributes }) =>
      attributes.choice("approximate", ["none", "tanh"], "none") === "tanh" ? geluTanh(x) : x.gelu(),
    20,
  ),
  Shrink: activation((x, number) => {
    const [lambd, bias] = [number("lambd", 0.5), number("bias", 0)];
    return x.add(bias).where(x.lt(-lambd), x.sub(bias).where(x.gt(lambd), 0));
  }, 9),
};

/** Activation functions of the domain com.microsoft, which onnxruntime's optimiser puts into the files it writes. */
export const contributedActivations: OperatorTable = {
  Gelu: activation((x) => x.gelu()),
  FastGelu: activation((x, _, call) => geluTanh(call.has(1) ? x.add(call.tensor(1)) : x)),
  BiasGelu: activation((x, _, call) => x.add(call.tensor(1)).gelu()),
  QuickGelu: activation((x, number) => {
    const alpha = number("alpha", 1.702);
    return alpha === 1.702 ? quickGelu(x) : x.mul(x.mul(alpha).sigmoid());
  }),
};
