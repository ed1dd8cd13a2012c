/** Attention without a mask; the backward pass includes the forward one. */
import { noise, type Row } from "../row.ts";

/** Queries, keys and values of `[batch, heads, length, width]`. */
export function attentionRow(
  pass: "forward" | "backward",
  batch: number,
  heads: number,
  length: number,
  width: number,
): Row {
  const shape = [batch, heads, length, width];
  const product = 2 * batch * heads * length * length * width;
  return {
    name: `attention B${batch} H${heads} N${length} D${width} ${pass}`,
    target: { webgpu: 2, wasm: 1.5 },
    // Two products forward; backward needs the scores again and has four of its own
    flops: pass === "forward" ? 2 * product : 6 * product,
    work: { op: "attention", pass },
    first: pass === "backward" && length <= 256,
    inputs: () => [1, 2, 3, 4].slice(0, pass === "forward" ? 3 : 4).map((seed) => noise(seed, shape)),
  };
}

/** The sizes measured. */
export const attentionRows: readonly Row[] = (["forward", "backward"] as const).flatMap((pass) => [
  attentionRow(pass, 4, 8, 256, 64),
  attentionRow(pass, 4, 8, 1024, 40),
]);
