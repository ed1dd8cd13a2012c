/** Attention as one kernel forward and two backward, none of which stores the score matrix. */
import { vjp } from "../autodiff.ts";
import type { AttentionPrimitive, Vjp } from "../primitive.ts";
import { identity } from "../primitives/generate.ts";
import { sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { attentionGradients, type ScoreOptions } from "./attention_formula.ts";

/** A matrix for each head, as a kernel writes it, under the shape [B, H, L, D]. */
function byHead(packed: Tensor, start: number, [b, h, l, d]: readonly number[]): Tensor {
  return packed.slice([[start, start + b * h * l * d]]).reshape([b, l, h, d]).permute([0, 2, 1, 3]);
}

/** `value` with a derivative of its own in `inputs`. */
function differentiable(
  value: Tensor,
  name: string,
  inputs: readonly Tensor[],
  rule: (g: Tensor) => (Tensor | null)[],
) {
  const derivative: Vjp = (g) => [null, ...rule(g)];
  return new Tensor(identity(value, name, derivative), [value, ...inputs], value.shape, value.dtype);
}

/** Another name for the same values, so that a derivative in it leaves out what it is made of. */
function alias(t: Tensor): Tensor {
  return new Tensor(identity(t, "alias", (g) => [g]), [t], t.shape, t.dtype);
}

/**
 * The attention of [B, H, Lq, D], [B, H, Lk, D] and [B, H, Lk, E] in f32, mask of [B, H, Lq, Lk].
 *
 * Its gradient is computed by kernels as well. That of the gradient, and of an added mask, comes from the formula and
 * stores matrices of scores, if it is asked for.
 */
export function fusedAttention(q: Tensor, k: Tensor, v: Tensor, options: ScoreOptions): Tensor {
  const { mask, scale, causal } = options;
  const masks = mask ? [mask] : [];
  const pass = (pass: AttentionPrimitive["pass"], inputs: Tensor[], size: number) =>
    new Tensor(
      { kind: "attention", name: `attention ${pass}`, pass, masked: mask !== undefined, causal, scale },
      [...inputs, ...masks],
      [size],
      "f32",
    );
  const shape = [...q.shape.slice(0, 3), v.shape[3]];
  const forward = pass("forward", [q, k, v], sizeOf(shape) + 2 * sizeOf(q.shape.slice(0, 3)));
  const result = byHead(forward, 0, shape);

  const gradients = (g: Tensor) => {
    const inputs = [q, k, v, g, forward, g.mul(result).sum(-1)];
    const queries = pass("queryGrad", inputs, q.size);
    const others = pass("keyGrad", inputs, k.size + v.size);
    const again = (value: Tensor, which: "q" | "k" | "v") =>
      differentiable(value, "attention gradient", [q, k, v, g, ...masks], (gg) => {
        const [aq, ak, av, ag, amask] = [q, k, v, g, ...masks].map(alias);
        const formula = attentionGradients(aq, ak, av, ag, { ...options, mask: amask })[which];
        const wrt = [aq, ak, av, ag, ...(mask?.dtype === "f32" ? [amask] : [])];
        return [...vjp([formula], [gg], wrt), ...(mask?.dtype === "bool" ? [null] : [])];
      });
    return [
      again(byHead(queries, 0, q.shape), "q"),
      again(byHead(others, 0, k.shape), "k"),
      again(byHead(others, k.size, v.shape), "v"),
    ];
  };
  return differentiable(result, "attention", [q, k, v, ...masks], (g) => [
    ...gradients(g),
    ...masks.map((m) => m.dtype === "bool" ? null : attentionGradients(q, k, v, g, options).mask),
  ]);
}
