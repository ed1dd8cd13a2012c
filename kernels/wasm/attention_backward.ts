import { type Code, control, f32, f32x4, forEach, i32, v128 } from "./instructions.ts";
import {
  attentionKey,
  elementAddress,
  maskedScores,
  STRIP,
  type WasmAttentionBackwardSpec,
  type WasmAttentionKeyGradSpec,
  type WasmAttentionQueryGradSpec,
} from "./attention.ts";
import { type Strip, TERM_BYTES } from "./attention_strip.ts";
import { walk } from "./attention_walk.ts";
import type { WasmKernel, WasmTarget } from "./kernel.ts";
import { splat } from "./math_code.ts";
import { boundedExponential } from "./math_exponential.ts";

const HALVES = [0, 1];

/** What the forward pass has left for the rows: largest scores, reciprocals of the sums, deltas. */
const statistics = ({ stats, delta }: WasmAttentionBackwardSpec) => [
  { operand: stats, column: 0 },
  { operand: stats, column: 1 },
  { operand: delta, column: 0 },
];

/**
 * Gradient of an attention with respect to its queries. The probabilities are computed again, a block of keys at a time,
 * from what the forward pass keeps of each row (Dao et al. 2022, arXiv 2205.14135, algorithm 4, one loop of it).
 *
 * @param spec Sizes, operands, masks and gradients.
 * @param target What the machine can do. Results do not depend on the number of threads.
 * @returns The kernel.
 */
export function wasmAttentionQueryGrad(spec: WasmAttentionQueryGradSpec, target: WasmTarget): WasmKernel {
  const { batch, rows, keys, width, valueWidth, q, k, v, mask, causal, scale, stats, delta, gradient } = spec;
  return walk({
    name: "attentionQueryGrad",
    key: attentionKey(spec, [gradient, delta, spec.queryGradient]),
    batch,
    own: rows,
    others: keys,
    causal: causal ? "queries" : undefined,
    tiles: [
      { own: q, other: k, length: width, scale },
      { own: gradient, other: v, length: valueWidth, scale: 1 },
    ],
    sums: [{ other: k, length: width, tile: 1, result: spec.queryGradient }],
    operands: mask ? [stats, delta, mask] : [stats, delta],
    stateBytes: 3 * TERM_BYTES,
    start: (strip) => {
      const { lane, at, state } = strip;
      const row = (l: number): Code => {
        const index = i32.add(lane.get, i32.const(l));
        return control.select(i32.ltS(index, i32.const(rows)), index, i32.const(rows - 1));
      };
      return Array.from({ length: STRIP }, (_, l) => [
        at.set(row(l)),
        statistics(spec).map(({ operand, column }, i) =>
          f32.store(
            state.get,
            f32.load(elementAddress(strip.matrix(operand), operand, at.get), 4 * column * operand.colStride),
            i * TERM_BYTES + 4 * l,
          )
        ),
      ]);
    },
    work: (strip) => {
      const { f, state } = strip;
      const kept = statistics(spec).map(() => f.locals("v128", 2));
      return [
        kept.map((halves, i) =>
          halves.map((local, half) => local.set(v128.load(state.get, i * TERM_BYTES + 16 * half)))
        ),
        gradients(strip, spec, target.relaxed, {
          own: "queries",
          next: [],
          kept: (i, half) => kept[i][half].get,
        }),
      ];
    },
    finish: (strip) => scaleSum(strip, 0, width, scale),
  }, target);
}

/**
 * Gradients of an attention with respect to its keys and values: the other loop, in which a task has keys of its own and
 * meets the queries a block at a time. No two tasks write one element, so results repeat bit for bit.
 *
 * @param spec Sizes, operands, masks and gradients.
 * @param target What the machine can do. Results do not depend on the number of threads.
 * @returns The kernel.
 */
export function wasmAttentionKeyGrad(spec: WasmAttentionKeyGradSpec, target: WasmTarget): WasmKernel {
  const { batch, rows, keys, width, valueWidth, q, k, v, mask, causal, scale, stats, delta, gradient } = spec;
  return walk({
    name: "attentionKeyGrad",
    key: attentionKey(spec, [gradient, delta, spec.keyGradient, spec.valueGradient]),
    batch,
    own: keys,
    others: rows,
    causal: causal ? "keys" : undefined,
    tiles: [
      { own: k, other: q, length: width, scale },
      { own: v, other: gradient, length: valueWidth, scale: 1 },
    ],
    sums: [
      { other: q, length: width, tile: 1, result: spec.keyGradient },
      { other: gradient, length: valueWidth, tile: 0, result: spec.valueGradient },
    ],
    operands: mask ? [stats, delta, mask] : [stats, delta],
    stateBytes: TERM_BYTES,
    work: (strip) => {
      const { f, term } = strip;
      const [statsAt, deltaAt] = f.locals("i32", 2);
      const kept = f.locals("v128", 3);
      const step = (address: typeof statsAt, stride: number): Code =>
        address.set(i32.add(address.get, i32.const(4 * stride)));
      return [
        statsAt.set(elementAddress(strip.matrix(stats), stats, term.get)),
        deltaAt.set(elementAddress(strip.matrix(delta), delta, term.get)),
        gradients(strip, spec, target.relaxed, {
          own: "keys",
          next: [
            kept[0].set(v128.load32Splat(statsAt.get)),
            kept[1].set(v128.load32Splat(statsAt.get, 4 * stats.colStride)),
            kept[2].set(v128.load32Splat(deltaAt.get)),
            step(statsAt, stats.rowStride),
            step(deltaAt, delta.rowStride),
          ],
          kept: (i) => kept[i].get,
        }),
      ];
    },
    finish: (strip) => scaleSum(strip, 0, width, scale),
  }, target);
}

/** How the statistics of the rows are read. */
interface Rows {
  /** What the lanes are. */
  readonly own: "queries" | "keys";
  /** Code before each term. */
  readonly next: Code;
  /** Statistic `i` for the lanes of vector `half`. */
  kept(i: number, half: number): Code;
}

/** Turns a tile of products and one of gradients of probabilities into probabilities and gradients of unscaled scores. */
function gradients(strip: Strip, spec: WasmAttentionBackwardSpec, relaxed: boolean, { own, next, kept }: Rows): Code {
  const { f, lane, term, count, at } = strip;
  const scores = maskedScores(f, spec, own);
  const { constants, exp } = boundedExponential(f, relaxed);
  const [base, end] = f.locals("i32", 2);
  const [probability] = f.locals("v128", 1);
  const second = f.local("i32");
  return [
    constants,
    spec.mask ? scores.enter(strip.matrix(spec.mask), lane, term) : scores.enter([], lane, term),
    base.set(strip.tile(0)),
    second.set(strip.tile(1)),
    end.set(i32.add(base.get, i32.mul(count.get, i32.const(TERM_BYTES)))),
    forEach(
      at,
      base.get,
      end.get,
      TERM_BYTES,
      next,
      scores.next,
      HALVES.map((half) => [
        probability.set(f32x4.mul(
          exp(f32x4.sub(scores.score(half, v128.load(at.get, 16 * half)), kept(0, half))),
          kept(1, half),
        )),
        own === "keys" ? v128.store(at.get, probability.get, 16 * half) : [],
        v128.store(
          second.get,
          scores.gradient(
            half,
            f32x4.mul(probability.get, f32x4.sub(v128.load(second.get, 16 * half), kept(2, half))),
          ),
          16 * half,
        ),
      ]),
      second.set(i32.add(second.get, i32.const(TERM_BYTES))),
    ),
  ];
}

function scaleSum(strip: Strip, number: number, length: number, scale: number): Code {
  if (scale === 1) return [];
  const { f, at } = strip;
  const end = f.local("i32");
  return [
    at.set(strip.sum(number)),
    end.set(i32.add(at.get, i32.const(length * TERM_BYTES))),
    forEach(at, at.get, end.get, 16, v128.store(at.get, f32x4.mul(v128.load(at.get), splat(scale)))),
  ];
}
