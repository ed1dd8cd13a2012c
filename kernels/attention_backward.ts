import {
  address,
  type AttentionBackwardSpec,
  type AttentionKeyGradSpec,
  type AttentionQueryGradSpec,
  cutFor,
  each,
  score,
  scoreGradient,
  sumArray,
  zeroSums,
} from "./attention.ts";
import { addRow, eachShared, sharedRows, walk } from "./attention_tile.ts";
import { type Kernel, laneCount } from "./kernel.ts";

/** Statements that read what the forward pass has left for a row: largest score m, reciprocal r, delta c. */
function rowStats({ stats, delta }: AttentionBackwardSpec, row: string, w: number | ""): string {
  const read = (column: string) => `${stats.name}[${address(stats, row, column)}]`;
  return `let m${w} = ${read("0u")}; let r${w} = ${read("1u")}; let c${w} = ${delta.name}[${address(delta, row)}];`;
}

/**
 * Gradient of an attention with respect to its queries. The probabilities are computed again, a block of keys at a time,
 * from what the forward pass keeps of each row (Dao et al. 2022, arXiv 2205.14135, algorithm 4, one loop of it).
 *
 * @param spec Sizes, operands, masks and gradients.
 * @returns The kernel.
 */
export function attentionQueryGrad(spec: AttentionQueryGradSpec): Kernel {
  const { rows, keys, width, valueWidth, q, k, v, causal, gradient, queryGradient } = spec;
  const cut = cutFor(spec, width, 2);
  const side = { first: "first", limit: keys };
  const keyRows = sharedRows(spec, cut, { name: "k", operand: k, length: width, ...side });
  const valueRows = sharedRows(spec, cut, { name: "v", operand: v, length: valueWidth, ...side });
  const at = (w: number) => `[j * ${cut.own}u + ${w}u]`;
  const gradients = (w: number) =>
    `let p${w} = exp(${score(spec, `scores${at(w)}`, `row${w}`, "(first + j)")} - m${w}) * r${w}; let d${w} = ${
      scoreGradient(spec, `p${w}`, `(products${at(w)} - c${w})`, `row${w}`, "(first + j)")
    };`;
  return walk(spec, cut, {
    own: "row",
    length: rows,
    shared: [keyRows, valueRows],
    from: "0u",
    to: causal ? `min(${keys}u, begin + ${laneCount(spec) * cut.own}u)` : `${keys}u`,
    start: each(cut, (w) => rowStats(spec, `row${w}`, w)),
    block: `${zeroSums(cut, "s", cut.block)} ${zeroSums(cut, "t", cut.block)}
    ${keyRows.dots("s", q, "row")}
    ${valueRows.dots("t", gradient, "row")}
    ${sumArray(cut, "scores", "s", cut.block)} ${sumArray(cut, "products", "t", cut.block)}
    ${
      eachShared(
        cut,
        keys,
        "j",
        `${each(cut, gradients)}
      ${keyRows.row("j")}
      ${addRow(cut, keyRows, width, "a", "d")}`,
      )
    }`,
    results: [{ operand: queryGradient, name: "a", length: width }],
  });
}

/**
 * Gradients of an attention with respect to its keys and values: the other loop, in which an invocation has keys of its
 * own and meets the queries a block at a time. No two invocations write one element, so results repeat bit for bit.
 *
 * @param spec Sizes, operands, masks and gradients.
 * @returns The kernel.
 */
export function attentionKeyGrad(spec: AttentionKeyGradSpec): Kernel {
  const { rows, keys, width, valueWidth, q, k, v, causal, gradient, keyGradient, valueGradient } = spec;
  const cut = cutFor(spec, width + valueWidth, 2);
  const side = { first: "first", limit: rows };
  const queryRows = sharedRows(spec, cut, { name: "q", operand: q, length: width, ...side });
  const gradientRows = sharedRows(spec, cut, { name: "g", operand: gradient, length: valueWidth, ...side });
  const at = (w: number) => `[i * ${cut.own}u + ${w}u]`;
  const gradients = (w: number) =>
    `let p${w} = exp(${score(spec, `scores${at(w)}`, "row", `key${w}`)} - m) * r; let d${w} = ${
      scoreGradient(spec, `p${w}`, `(products${at(w)} - c)`, "row", `key${w}`)
    };`;
  return walk(spec, cut, {
    own: "key",
    length: keys,
    shared: [queryRows, gradientRows],
    // Earlier queries do not see these keys
    from: causal ? `begin / ${cut.block}u * ${cut.block}u` : "0u",
    to: `${rows}u`,
    start: "",
    block: `${zeroSums(cut, "s", cut.block)} ${zeroSums(cut, "t", cut.block)}
    ${queryRows.dots("s", k, "key")}
    ${gradientRows.dots("t", v, "key")}
    ${sumArray(cut, "scores", "s", cut.block)} ${sumArray(cut, "products", "t", cut.block)}
    ${
      eachShared(
        cut,
        rows,
        "i",
        `let row = first + i;
      ${rowStats(spec, "row", "")}
      ${each(cut, gradients)}
      ${queryRows.row("i")}
      ${addRow(cut, queryRows, width, "a", "d")}
      ${gradientRows.row("i")}
      ${addRow(cut, gradientRows, valueWidth, "b", "p")}`,
      )
    }`,
    results: [
      { operand: keyGradient, name: "a", length: width },
      { operand: valueGradient, name: "b", length: valueWidth },
    ],
  });
}
