import { address, type AttentionForwardSpec, cutFor, each, LOWEST, score, sumArray, zeroSums } from "./attention.ts";
import { addRow, eachShared, sharedRows, walk } from "./attention_tile.ts";
import { type Kernel, laneCount, range } from "./kernel.ts";

/**
 * Attention in one pass: no score is ever stored (Dao et al. 2022, arXiv 2205.14135, algorithm 1).
 *
 * An invocation has one or two queries and meets the keys a block at a time. It keeps the largest score so far, the sum
 * of exponentials below it and the weighted sum of values, and scales both sums down whenever a larger score comes.
 *
 * @param spec Sizes, operands and masks.
 * @returns The kernel.
 *
 * @example One head of 16 queries and keys of 8 features, one after another in one buffer
 * ```ts
 * import { attentionForward } from "@dipp/kernels";
 * import { assertEquals } from "@std/assert";
 *
 * const matrix = (name: string, start = 0) => ({
 *   name, base: (z: string) => `${start}u + ${z} * 128u`, rowStride: 8, colStride: 1,
 * });
 * const kernel = attentionForward({
 *   batch: 1, rows: 16, keys: 16, width: 8, valueWidth: 8,
 *   q: matrix("x"), k: matrix("x", 128), v: matrix("x", 256),
 *   causal: false, scale: 8 ** -0.5,
 *   output: matrix("y"), stats: { name: "y", base: () => "128u", rowStride: 2, colStride: 1 },
 *   declarations: `@group(0) @binding(0) var<storage, read> x: array<f32>;
 * @group(0) @binding(1) var<storage, read_write> y: array<f32>;`,
 *   target: "software",
 * });
 * assertEquals(kernel.workgroups, [2, 1, 1]);
 * ```
 */
export function attentionForward(spec: AttentionForwardSpec): Kernel {
  const { rows, keys, width, valueWidth, q, k, v, mask, causal, scale, output, stats } = spec;
  const cut = cutFor(spec, valueWidth, 1);
  const side = { first: "first", limit: keys };
  const keyRows = sharedRows(spec, cut, { name: "k", operand: k, length: width, ...side });
  const valueRows = sharedRows(spec, cut, { name: "v", operand: v, length: valueWidth, ...side });
  const at = (w: number) => `scores[j * ${cut.own}u + ${w}u]`;
  // A positive scale keeps the order, so that the plain products are compared without a loop over them
  const plain = !mask && !causal && scale > 0;
  const largest = (w: number) => range(cut.block).map((j) => `s${j}_${w}`).reduce((a, b) => `max(${a}, ${b})`);
  const maxima = plain ? each(cut, (w) => `let n${w} = max(m${w}, ${largest(w)} * f32(${scale}));`) : `
    ${each(cut, (w) => `var n${w} = m${w};`)}
    ${
    eachShared(
      cut,
      keys,
      "j",
      each(cut, (w) => `${at(w)} = ${score(spec, at(w), `row${w}`, "(first + j)")}; n${w} = max(n${w}, ${at(w)});`),
    )
  }`;
  const scaled = (w: number) => plain ? `${at(w)} * f32(${scale})` : at(w);
  return walk(spec, cut, {
    own: "row",
    length: rows,
    shared: [keyRows, valueRows],
    from: "0u",
    to: causal ? `min(${keys}u, begin + ${laneCount(spec) * cut.own}u)` : `${keys}u`,
    start: each(cut, (w) => `var m${w} = ${LOWEST}; var l${w} = 0.0;`),
    block: `${zeroSums(cut, "s", cut.block)}
    ${keyRows.dots("s", q, "row")}
    ${sumArray(cut, "scores", "s", cut.block)}
    ${maxima}
    ${each(cut, (w) => `let f${w} = exp(m${w} - n${w}); m${w} = n${w}; l${w} *= f${w};`)}
    ${range(valueWidth).map((e) => each(cut, (w) => `o${e}_${w} *= f${w};`)).join(" ")}
    ${
      eachShared(
        cut,
        keys,
        "j",
        `${each(cut, (w) => `let p${w} = exp(${scaled(w)} - m${w}); l${w} += p${w};`)}
      ${valueRows.row("j")}
      ${addRow(cut, valueRows, valueWidth, "o", "p")}`,
      )
    }`,
    results: [{ operand: output, name: "o", length: valueWidth, factor: "r" }],
    finish: (w) =>
      `let r${w} = 1.0 / l${w}; ${stats.name}[${address(stats, `row${w}`)}] = m${w}; ` +
      `${stats.name}[${address(stats, `row${w}`, "1u")}] = r${w};`,
  });
}
