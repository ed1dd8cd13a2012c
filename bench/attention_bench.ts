/**
 * Attention by the kernels that keep no scores, against the formula that stores them, forward and with all gradients.
 *
 *     deno bench -A bench/attention_bench.ts
 *
 * Operands lie by position and are read by head, as in a network. A time is the best of five, taken in turns, of steps
 * submitted together and waited for once (about 11 ms in Deno, left out). GFLOP/s count the products of the definition:
 * two forward, four more backward.
 *
 * The rule in use: forward, heads of up to 160 features take the kernel (`ops/attention.ts`). Backward, up to 2^22 scores
 * are computed again and stored for its duration, five products in all; more of them take the two kernels, which store
 * none and compute seven (`ops/attention_fused.ts`).
 *
 * @module
 */

import { compile, init, key, randn, realize, scaledDotProductAttention, type Tensor, vjp } from "@dipp/tensor";
import { attentionFormula } from "../packages/tensor/ops/attention_formula.ts";

const WAIT_MS = 11;

/** Batch, heads, queries, keys, features. */
const SHAPES: [string, number, number, number, number, number][] = [
  ["small transformer", 4, 8, 256, 256, 64],
  ["latents of 32 x 32", 4, 8, 1024, 1024, 40],
  ["emoji DiT", 16, 3, 64, 64, 32],
  ["text to image, 16 x 16", 2, 8, 256, 77, 80],
  ["text to image, 8 x 8", 2, 8, 64, 64, 160],
];

const device = await init();

/** Milliseconds of one of `times` steps. */
async function time(step: () => unknown, times: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i++) step();
  await device.synchronize();
  return (performance.now() - start - WAIT_MS) / times;
}

for (const [name, batch, heads, rows, keys, width] of SHAPES) {
  const lengths = [rows, keys, keys, rows];
  const leaves = lengths.map((length, n) => randn(key(n), [batch, length, heads * width]));
  await realize(...leaves);
  const byHead = (t: Tensor) => t.reshape([batch, -1, heads, width]).permute([0, 2, 1, 3]);
  const attend = (attention: typeof attentionFormula) => {
    const [q, k, v] = leaves.map(byHead);
    const out = attention(q, k, v, { scale: width ** -0.5, causal: false });
    return out.permute([0, 2, 1, 3]).reshape([batch, rows, -1]);
  };
  const steps = (attention: typeof attentionFormula) => ({
    forward: compile(() => ({ out: attend(attention).add(0) })),
    "forward and backward": compile(() => {
      const gradients = vjp([attend(attention)], [leaves[3]], leaves.slice(0, 3)).map((g) => g.add(0));
      return { ...gradients };
    }),
  });
  const [fused, formula] = [steps(scaledDotProductAttention), steps(attentionFormula)];
  const gflop = 4e-9 * batch * heads * rows * keys * width;
  for (const what of ["forward", "forward and backward"] as const) {
    const both = [fused, formula].map((s) => () => s[what]({}));
    for (const step of both) await time(step, 1);
    const times = Math.max(2, Math.ceil(60 / Math.max(1, await time(both[1], 1))));
    const best = [Infinity, Infinity];
    for (let i = 0; i < 5; i++) {
      for (const [j, step] of both.entries()) best[j] = Math.min(best[j], await time(step, times));
    }
    const rate = (ms: number) => (gflop * (what === "forward" ? 1 : 3) / ms * 1000).toFixed(1).padStart(5);
    const group = `${what}, ${name} B${batch} H${heads} ${rows}x${keys} D${width}`;
    console.log(
      `${group.padEnd(66)} ${best[0].toFixed(2).padStart(7)} ms ${rate(best[0])} GFLOP/s, formula ` +
        `${best[1].toFixed(2).padStart(7)} ms: ${(best[1] / best[0]).toFixed(2)} x`,
    );
    for (const [kind, step] of [["kernels", both[0]], ["formula", both[1]]] as const) {
      Deno.bench(`${group}, ${kind}`, { group, n: 3, warmup: 1, baseline: kind === "formula" }, async () => {
        await time(step, times);
      });
    }
  }
}
