/** Scaled dot-product attention. */
import { promote } from "../dtype.ts";
import { broadcastShapes, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { attentionFormula } from "./attention_formula.ts";
import { fusedAttention } from "./attention_fused.ts";

/** Settings of an attention. */
export interface AttentionOptions {
  /** Broadcast to [B, H, Lq, Lk]: bool keeps where true, float is added to the scores. */
  readonly mask?: Tensor | undefined;
  /** Factor on the scores; 1 / sqrt(D) by default. */
  readonly scale?: number | undefined;
  /** Position i attends to j <= i only. */
  readonly causal?: boolean;
}

/**
 * Features of a head up to which the kernels that keep no scores are faster than the formula
 * (`bench/attention_bench.ts`).
 */
const WIDEST = 160;

/**
 * softmax(q k^T * scale + mask) v (Vaswani et al. 2017, equation 1; torch.nn.functional.scaled_dot_product_attention).
 * A row whose keys are all left out by a bool mask gives their mean. Differentiable twice, in an added mask too.
 *
 * @param q Queries [B, H, Lq, D].
 * @param k Keys [B, H, Lk, D].
 * @param v Values [B, H, Lk, E].
 * @param options Mask, scale, causality. Leading axes of all operands broadcast; there may be fewer or more of them.
 * @returns [B, H, Lq, E].
 * @throws {RangeError} Where the shapes do not belong together.
 * @throws {TypeError} Where an operand is not a float, or the mask neither bool nor float.
 *
 * @example Keys and values alone decide, where all scores are equal
 * ```ts
 * import { scaledDotProductAttention, tensor, zeros } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const q = zeros([1, 1, 1, 2]);
 * const kv = tensor([[[[1, 2], [3, 6]]]]);
 * assertEquals([...await scaledDotProductAttention(q, kv, kv).data()], [2, 4]);
 * ```
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const [rows, width] = q.shape.slice(-2);
  const [keys, valueWidth] = v.shape.slice(-2);
  check(q, k, v, options);
  const { mask, causal = false, scale = 1 / Math.sqrt(width) } = options;
  const dtype = promote(promote(q.dtype, k.dtype), v.dtype);
  const formula = { mask, scale, causal };
  if (width > WIDEST || valueWidth > WIDEST || q.size * k.size * v.size === 0) {
    return attentionFormula(q, k, v, formula);
  }

  const lead = [q, k, v, ...(mask ? [mask] : [])].map((t) => t.shape.slice(0, -2))
    .reduce((a, b) => broadcastShapes(a, b, "scaledDotProductAttention"));
  const heads = lead.at(-1) ?? 1;
  const matrices = (t: Tensor, a: number, b: number) => t.expand([...lead, a, b]).reshape([-1, heads, a, b]);
  const result = fusedAttention(
    matrices(q.cast("f32"), rows, width),
    matrices(k.cast("f32"), keys, width),
    matrices(v.cast("f32"), keys, valueWidth),
    { ...formula, mask: mask && matrices(mask.dtype === "bool" ? mask : mask.cast("f32"), rows, keys) },
  );
  return result.reshape([...lead, rows, valueWidth]).cast(dtype);
}

function check(q: Tensor, k: Tensor, v: Tensor, { mask, scale = 1 }: AttentionOptions): void {
  const name = "scaledDotProductAttention";
  for (const [what, t] of Object.entries({ q, k, v })) {
    if (t.ndim < 2) {
      throw new RangeError(`Cannot attend (${name}): ${what} has shape ${show(t.shape)}, expected [..., L, D]`);
    }
    if (!/^(f|bf)/.test(t.dtype)) {
      throw new TypeError(`Cannot attend (${name}): ${what} is ${t.dtype}, expected a float`);
    }
  }
  if (q.shape.at(-1) !== k.shape.at(-1) || k.shape.at(-2) !== v.shape.at(-2)) {
    throw new RangeError(
      `Cannot attend (${name}) with q ${show(q.shape)}, k ${show(k.shape)} and v ${show(v.shape)}: ` +
        "expected [..., Lq, D], [..., Lk, D] and [..., Lk, E]",
    );
  }
  if (!Number.isFinite(scale)) {
    throw new RangeError(`Cannot attend (${name}) with scale ${scale}: expected a finite number`);
  }
  if (mask && !/^(f|bf|bool)/.test(mask.dtype)) {
    throw new TypeError(`Cannot attend (${name}) with a mask of ${mask.dtype}: expected bool or a float`);
  }
}
