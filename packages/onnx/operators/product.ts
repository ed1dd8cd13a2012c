/** Products of matrices, and attention. */
import { einsum, scaledDotProductAttention, type Tensor } from "@dipp/tensor";
import type { Call, Operator, OperatorTable } from "../operator.ts";
import { show } from "../shape.ts";
import { Value } from "../value.ts";

const matmul: Operator = { since: 1, apply: (call) => call.result(call.tensor(0).matmul(call.tensor(1))) };

const gemm: Operator = {
  since: 1,
  apply: (call) => {
    const { attributes } = call;
    const side = (i: number, name: string) => attributes.int(name) ? call.tensor(i).transpose(0, 1) : call.tensor(i);
    const scaled = (x: Tensor, name: string) => {
      const factor = attributes.float(name) ?? 1;
      return factor === 1 ? x : x.mul(factor);
    };
    const y = scaled(side(0, "transA").matmul(side(1, "transB")), "alpha");
    return call.result(call.has(2) ? y.add(scaled(call.tensor(2), "beta")) : y);
  },
};

const einsumOperator: Operator = {
  since: 12,
  apply: (call) => {
    const equation = call.attributes.string("equation");
    if (equation === undefined) throw new SyntaxError("attribute equation is missing");
    return call.result(einsum(equation, ...call.inputs.map((_, i) => call.tensor(i))));
  },
};

/** An integer factor less its zero point, as real numbers: products of 8-bit numbers and their sums are exact. */
export function centred(call: Call, index: number, zero: number, perRow = false): Tensor {
  const x = call.tensor(index).cast("f32");
  const point = call.inputs[zero];
  if (!point) return x;
  const values = point.tensor.cast("f32");
  return x.sub(perRow && point.size > 1 ? values.unsqueeze(-1) : values);
}

const matmulInteger: Operator = {
  since: 10,
  apply: (call) => Value.ofTensor(centred(call, 0, 2, true).matmul(centred(call, 1, 3)).round(), "int32"),
};

/** [B, L, heads * D] as [B, heads, L, D]; four axes stay as they are. */
function byHead(x: Tensor, heads: number | undefined): Tensor {
  if (x.ndim === 4) return x;
  if (!heads) throw new SyntaxError("attributes q_num_heads and kv_num_heads are missing");
  return x.reshape([x.shape[0], x.shape[1], heads, -1]).permute([0, 2, 1, 3]);
}

/** Attention-23, without a cache of keys and values. */
const attention: Operator = {
  since: 23,
  apply: (call) => {
    const { attributes } = call;
    if (call.has(4) || call.has(5) || call.outputs > 1) {
      throw new RangeError("past keys and values, or the scores, are wanted: expected neither");
    }
    if (attributes.float("softcap")) throw new RangeError("attribute softcap is not 0: expected none");
    const [heads, groups] = [attributes.int("q_num_heads"), attributes.int("kv_num_heads")];
    const q = byHead(call.tensor(0), heads);
    const [k, v] = [1, 2].map((i) => {
      const x = byHead(call.tensor(i), groups);
      const repeats = q.shape[1] / x.shape[1];
      const [b, h, l, d] = x.shape;
      return repeats === 1 ? x : x.unsqueeze(2).expand([b, h, repeats, l, d]).reshape([b, h * repeats, l, d]);
    });
    const y = scaledDotProductAttention(q, k, v, {
      mask: call.optional(3),
      scale: attributes.float("scale"),
      causal: attributes.int("is_causal") === 1,
    });
    const [b, h, l, d] = y.shape;
    return call.result(call.input(0).ndim === 4 ? y : y.permute([0, 2, 1, 3]).reshape([b, l, h * d]));
  },
};

/** The operators of products. */
export const products: OperatorTable = {
  MatMul: matmul,
  Gemm: gemm,
  Einsum: einsumOperator,
  MatMulInteger: matmulInteger,
  Attention: attention,
};

/** Products of the domain com.microsoft. */
export const contributedProducts: OperatorTable = {
  FusedMatMul: {
    since: 1,
    apply: (call) => {
      const { attributes } = call;
      if (attributes.int("transBatchA") || attributes.int("transBatchB")) {
        throw new RangeError(`batches of ${show(call.input(0).shape)} are transposed: expected none`);
      }
      const side = (i: number, name: string) =>
        attributes.int(name) ? call.tensor(i).transpose(-1, -2) : call.tensor(i);
      const y = side(0, "transA").matmul(side(1, "transB"));
      return call.result(y.mul(attributes.float("alpha") ?? 1));
    },
  },
};
