/** Softmax and the normalisations. */
import { avgPool2d, groupNorm, layerNorm, logSoftmax, oneHot, rmsNorm, softmax, type Tensor } from "@dipp/tensor";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { sizeOf } from "../shape.ts";

/** A function along an axis; before opset 13, along all axes from that one on, joined. */
function alongAxis(f: (x: Tensor, axis: number) => Tensor): Operator {
  return {
    since: 1,
    apply: (call) => {
      const x = call.tensor(0);
      const axis = call.axis("axis", call.opset < 13 ? 1 : -1);
      if (call.opset >= 13 || axis === x.ndim - 1) return call.result(f(x, axis));
      const rows = sizeOf(x.shape.slice(0, axis));
      return call.result(f(x.reshape([rows, -1]), 1).reshape(x.shape));
    },
  };
}

/** [C] along the second axis of a tensor. */
function perChannel(parameter: Tensor, ndim: number): Tensor {
  return parameter.reshape([-1, ...new Array<number>(Math.max(0, ndim - 2)).fill(1)]);
}

/** Inference only: the running statistics are inputs. */
const batchNorm: Operator = {
  since: 1,
  apply: (call) => {
    if (call.attributes.int("training_mode") === 1) {
      throw new RangeError("attribute training_mode is 1: expected a model exported for inference");
    }
    const x = call.tensor(0);
    const [weight, bias, mean, variance] = [1, 2, 3, 4].map((i) => call.tensor(i));
    const factor = weight.mul(variance.add(call.attributes.float("epsilon") ?? 1e-5).rsqrt());
    const offset = bias.sub(mean.mul(factor));
    return call.result(x.mul(perChannel(factor, x.ndim)).add(perChannel(offset, x.ndim)));
  },
};

const epsilon = (call: Call, missing = 1e-5) => call.attributes.float("epsilon") ?? missing;

const instanceNorm: Operator = {
  since: 1,
  apply: (call) => {
    const [weight, bias] = [call.tensor(1), call.tensor(2)];
    return call.result(groupNorm(call.tensor(0), call.input(0).shape[1], { weight, bias, eps: epsilon(call) }));
  },
};

/** Scale and shift belong to groups in opset 18 and to channels since 21. */
const groupNormOperator: Operator = {
  since: 18,
  apply: (call) => {
    const groups = call.attributes.int("num_groups");
    if (groups === undefined) throw new SyntaxError("attribute num_groups is missing");
    const channels = call.input(0).shape[1];
    const [weight, bias] = [1, 2].map((i) => {
      const t = call.tensor(i);
      return t.size === channels ? t : t.unsqueeze(1).expand([groups, channels / groups]).reshape([channels]);
    });
    return call.result(groupNorm(call.tensor(0), groups, { weight, bias, eps: epsilon(call) }));
  },
};

const layerNormOperator: Operator = {
  since: 1,
  apply: (call) => {
    if (call.outputs > 1) throw new RangeError("mean and deviation are wanted: expected the result alone");
    const axes = call.input(0).ndim - call.axis("axis", -1);
    return call.result(
      layerNorm(call.tensor(0), { weight: call.optional(1), bias: call.optional(2), eps: epsilon(call), axes }),
    );
  },
};

const rmsNormOperator: Operator = {
  since: 23,
  apply: (call) => {
    const x = call.tensor(0);
    const axis = call.axis("axis", -1);
    const flat = x.reshape([...x.shape.slice(0, axis), -1]);
    return call.result(rmsNorm(flat, { eps: epsilon(call) }).reshape(x.shape).mul(call.tensor(1)));
  },
};

/** Division by the norm along an axis; zero stays zero. */
const lpNorm: Operator = {
  since: 1,
  apply: (call) => {
    const x = call.tensor(0);
    const size = x.norm(call.attributes.int("p") ?? 2, call.axis("axis", -1), true);
    return call.result(x.div(size.where(size.ne(0), 1)));
  },
};

/** x / (bias + alpha * mean of the squares of neighbouring channels)^beta. */
const localResponse: Operator = {
  since: 1,
  apply: (call) => {
    const { attributes } = call;
    const size = attributes.int("size");
    if (size === undefined) throw new SyntaxError("attribute size is missing");
    const x = call.tensor(0);
    const [n, c, ...rest] = x.shape;
    const before = Math.floor((size - 1) / 2);
    const squares = x.square().reshape([n, 1, c, sizeOf(rest)]).pad([[0, 0], [0, 0], [before, size - 1 - before], [
      0,
      0,
    ]]);
    const mean = avgPool2d(squares, [size, 1], { stride: 1 }).reshape(x.shape);
    const base = mean.mul(attributes.float("alpha") ?? 1e-4).add(attributes.float("bias") ?? 1);
    return call.result(x.mul(base.pow(-(attributes.float("beta") ?? 0.75))));
  },
};

const meanVariance: Operator = {
  since: 9,
  apply: (call) => {
    const axes = call.attributes.ints("axes") ?? [0, 2, 3];
    const x = call.tensor(0);
    const centred = x.sub(x.mean(axes, true));
    return call.result(centred.div(x.var(axes, true).sqrt().add(1e-9)));
  },
};

/** The normalisations. */
export const normalizations: OperatorTable = {
  Softmax: alongAxis(softmax),
  LogSoftmax: alongAxis(logSoftmax),
  Hardmax: alongAxis((x, axis) => oneHot(x.argmax(axis), x.shape[axis]).movedim(-1, axis)),
  BatchNormalization: batchNorm,
  InstanceNormalization: instanceNorm,
  GroupNormalization: groupNormOperator,
  LayerNormalization: layerNormOperator,
  RMSNormalization: rmsNormOperator,
  LpNormalization: lpNorm,
  LRN: localResponse,
  MeanVarianceNormalization: meanVariance,
};

/** Normalisations of the domain com.microsoft. */
export const contributedNormalizations: OperatorTable = {
  SkipLayerNormalization: {
    since: 1,
    apply: (call) => {
      const sum = call.tensor(0).add(call.tensor(1));
      const x = call.has(4) ? sum.add(call.tensor(4)) : sum;
      const y = layerNorm(x, { weight: call.optional(2), bias: call.optional(3), eps: epsilon(call, 1e-12) });
      return [call.result(y), call.result(y), call.result(y), call.result(x)];
    },
  },
};
