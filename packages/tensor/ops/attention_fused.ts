/** Attention by kernels that store no scores: one forward, and two backward where there are many of them. */
import { vjp, withVjp } from "../autodiff.ts";
import type { AttentionPrimitive } from "../primitive.ts";
import { identity } from "../primitives/generate.ts";
import { sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import {
  type AttentionGradients,
  attentionGradients,
  attentionScores,
  type ScoreOptions,
} from "./attention_formula.ts";

/** A matrix for each head, as a kernel writes it, under the shape [B, H, L, D]. */
function byHead(packed: Tensor, start: number, [b, h, l, d]: readonly number[]): Tensor {
  return packed.slice([[start, start + b * h * l * d]]).reshape([b, l, h, d]).permute([0, 2, 1, 3]);
}

/** Another name for the same values, so that a derivative in it leaves out what it is made of. */
function alias(t: Tensor): Tensor {
  return new Tensor(identity(t, "alias", (g) => [g]), [t], t.shape, t.dtype);
}

/** Scores up to which the backward pass stores them for its duration. */
const FEW = 1 << 22;

/**
 * The attention of [B, H, Lq, D], [B, H, Lk, D] and [B, H, Lk, E] in f32, mask of [B, H, Lq, Lk].
 *
 * Forward, no score is stored. Backward, the probabilities come again from the scores and two numbers that the forward
 * pass keeps of each row: up to `few` of them are stored, since five plain products are faster than the seven of the
 * kernels that store none (`bench/attention_bench.ts`); more are not. The gradient of an added mask, and second
 * derivatives, come from the formula, which stores matrices of scores.
 */
export function fusedAttention(q: Tensor, k: Tensor, v: Tensor, options: ScoreOptions, few: number = FEW): Tensor {
  const { mask, scale, causal } = options;
  const masks = mask ? [mask] : [];
  const pass = (pass: AttentionPrimitive["pass"], inputs: Tensor[], size: number) =>
    new Tensor(
      { kind: "attention", name: `attention ${pass}`, pass, masked: mask !== undefined, causal, scale },
      [...inputs, ...masks],
      [size],
      "f32",
    );
  const rowShape = q.shape.slice(0, 3);
  const shape = [...rowShape, v.shape[3]];
  const forward = pass("forward", [q, k, v], sizeOf(shape) + 2 * sizeOf(rowShape));
  const result = byHead(forward, 0, shape);

  const byKernels = (g: Tensor, delta: Tensor) => {
    const inputs = [q, k, v, g, forward, delta];
    const queries = pass("queryGrad", inputs, q.size);
    const others = pass("keyGrad", inputs, k.size + v.size);
    return {
      q: byHead(queries, 0, q.shape),
      k: byHead(others, 0, k.shape),
      v: byHead(others, k.size, v.shape),
    };
  };
  const byProducts = (g: Tensor, delta: Tensor): AttentionGradients => {
    const stats = forward.slice([[sizeOf(shape)]]).reshape([...rowShape, 2]);
    const [top, reciprocal] = [0, 1].map((i) => stats.slice([null, null, null, [i, i + 1]]));
    const p = attentionScores(q, k, options).sub(top).exp().mul(reciprocal);
    return attentionGradients([q, k, v, g], options, p, delta.unsqueeze(-1));
  };
  const gradients = (g: Tensor) => {
    const operands = [q, k, v, g];
    const values = (sizeOf(rowShape) * k.shape[2] <= few ? byProducts : byKernels)(g, g.mul(result).sum(-1));
    return (["q", "k", "v"] as const).map((which) =>
      withVjp(values[which], "attention gradient", [...operands, ...masks], (gg) => {
        const [again, amask] = [operands.map(alias), mask && alias(mask)];
        const formula = attentionGradients(again, { ...options, mask: amask })[which];
        return vjp([formula], [gg], [...again, ...(amask ? [amask] : [])]);
      })
    );
  };
  return withVjp(result, "attention", [q, k, v, ...masks], (g) => [
    ...gradients(g),
    ...masks.map((m) => m.dtype === "bool" ? null : attentionGradients([q, k, v, g], options).mask),
  ]);
}
