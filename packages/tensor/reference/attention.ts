/** Attention and its gradients, by their definition. */
import type { AttentionPrimitive } from "../primitive.ts";
import type { Tensor } from "../tensor.ts";

/** One of the three passes, as its primitive lays out what it reads and writes. */
export function attention(node: Tensor, operands: readonly Float64Array[]): Float64Array {
  const { pass, masked, causal, scale } = node.primitive as AttentionPrimitive;
  const [batch, heads, rows, width] = node.inputs[0].shape;
  const [, , keys, valueWidth] = node.inputs[2].shape;
  const [q, k, v, gradient, forward, delta] = operands;
  const mask = masked ? operands[operands.length - 1] : undefined;
  const isBool = masked && node.inputs[node.inputs.length - 1].dtype === "bool";
  const result = new Float64Array(node.size);
  const dot = (a: Float64Array, i: number, b: Float64Array, j: number, n: number) => {
    let sum = 0;
    for (let c = 0; c < n; c++) sum += a[i * n + c] * b[j * n + c];
    return sum;
  };
  /** Adds a multiple of row `from` of `x` to row `to` (batch, position, head) of the result, from `start` on. */
  const addRow = (start: number, to: number, factor: number, x: Float64Array, from: number, n: number) => {
    for (let c = 0; c < n; c++) result[start + to * n + c] += factor * x[from * n + c];
  };
  const statsAt = batch * heads * rows * valueWidth;
  for (let z = 0; z < batch * heads; z++) {
    const place = (length: number, i: number) => (Math.floor(z / heads) * length + i) * heads + z % heads;
    for (let i = 0; i < rows; i++) {
      const row = z * rows + i;
      const isKept = (j: number) => !(isBool && mask![row * keys + j] === 0);
      const scores = Array.from({ length: causal ? Math.min(keys, i + 1) : keys }, (_, j) => {
        if (!isKept(j)) return -1e30;
        const score = dot(q, row, k, z * keys + j, width) * scale;
        return mask && !isBool ? score + mask[row * keys + j] : score;
      });
      const backward = pass !== "forward";
      const top = backward ? forward[statsAt + 2 * row] : Math.max(...scores);
      const powers = scores.map((s) => Math.exp(s - top));
      const reciprocal = backward ? forward[statsAt + 2 * row + 1] : 1 / powers.reduce((a, b) => a + b);
      if (!backward) result.set([top, reciprocal], statsAt + 2 * row);
      powers.forEach((power, j) => {
        const [p, key] = [power * reciprocal, z * keys + j];
        if (!backward) return addRow(0, place(rows, i), p, v, key, valueWidth);
        const ds = isKept(j) ? p * (dot(gradient, row, v, key, valueWidth) - delta[row]) * scale : 0;
        if (pass === "queryGrad") return addRow(0, place(rows, i), ds, k, key, width);
        addRow(0, place(keys, j), ds, q, row, width);
        addRow(batch * heads * keys * width, place(keys, j), p, gradient, row, valueWidth);
      });
    }
  }
  return result;
}
