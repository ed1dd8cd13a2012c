import { type Code, control, f32x4, forEach, i32, v128 } from "./instructions.ts";
import {
  attentionKey,
  elementAddress,
  LOWEST,
  maskedScores,
  STRIP,
  type WasmAttentionForwardSpec,
} from "./attention.ts";
import { type Strip, TERM_BYTES } from "./attention_strip.ts";
import { walk } from "./attention_walk.ts";
import type { WasmKernel, WasmTarget } from "./kernel.ts";
import { splat } from "./math_code.ts";
import { boundedExponential } from "./math_exponential.ts";

const HALVES = [0, 1];

/**
 * Attention in one pass: of the scores only a block of a strip is ever stored (Dao et al. 2022, arXiv 2205.14135,
 * algorithm 1). The largest score so far, the sum of exponentials below it and the weighted sum of values are kept for
 * each query; both sums are scaled down whenever a larger score comes.
 *
 * @param spec Sizes, operands and masks.
 * @param target What the machine can do. Results do not depend on the number of threads.
 * @returns The kernel.
 *
 * @example Four attentions of 256 queries and keys of 64 features
 * ```ts
 * import { i32, wasmAttentionForward } from "@dipp/kernels/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * const matrix = (buffer: number, columns: number) => ({
 *   buffer, base: (z: Parameters<typeof i32.mul>[0]) => i32.mul(z, i32.const(256 * columns)),
 *   rowStride: columns, colStride: 1,
 * });
 * const kernel = wasmAttentionForward({
 *   batch: 4, rows: 256, keys: 256, width: 64, valueWidth: 64,
 *   q: matrix(0, 64), k: matrix(1, 64), v: matrix(2, 64), causal: false, scale: 1 / 8,
 *   output: matrix(3, 64), stats: matrix(4, 2),
 * }, { relaxed: false, threads: 1 });
 * assertEquals(kernel.phases[0].tasks, 12);
 * ```
 */
export function wasmAttentionForward(spec: WasmAttentionForwardSpec, target: WasmTarget): WasmKernel {
  const { batch, rows, keys, width, valueWidth, q, k, v, mask, causal, scale, output, stats } = spec;
  return walk({
    name: "attention",
    key: attentionKey(spec, [output]),
    batch,
    own: rows,
    others: keys,
    causal: causal ? "queries" : undefined,
    tiles: [{ own: q, other: k, length: width, scale }],
    sums: [{ other: v, length: valueWidth, tile: 0, result: output }],
    operands: mask ? [stats, mask] : [stats],
    stateBytes: 2 * TERM_BYTES,
    start: ({ state }) =>
      HALVES.map((half) => [
        v128.store(state.get, splat(LOWEST), 16 * half),
        v128.store(state.get, splat(0), TERM_BYTES + 16 * half),
      ]),
    work: (strip) => softmax(strip, spec, target.relaxed),
    finish: (strip) => finish(strip, spec),
  }, target);
}

/** Turns a tile of scores into exponentials and scales down what has been summed so far. */
function softmax(strip: Strip, spec: WasmAttentionForwardSpec, relaxed: boolean): Code {
  const { f, lane, term, count, state, at } = strip;
  const scores = maskedScores(f, spec, "queries");
  const { constants, exp } = boundedExponential(f, relaxed);
  const [end, base] = f.locals("i32", 2);
  const largest = f.locals("v128", 2);
  const sums = f.locals("v128", 2);
  const factors = f.locals("v128", 2);
  const [value] = f.locals("v128", 1);
  const eachTerm = (...body: Code[]): Code => forEach(at, base.get, end.get, TERM_BYTES, ...body);
  return [
    constants,
    spec.mask ? scores.enter(strip.matrix(spec.mask), lane, term) : scores.enter([], lane, term),
    base.set(strip.tile(0)),
    end.set(i32.add(base.get, i32.mul(count.get, i32.const(TERM_BYTES)))),
    HALVES.map((half) => largest[half].set(v128.load(state.get, 16 * half))),
    eachTerm(
      scores.next,
      HALVES.map((half) => [
        value.set(scores.score(half, v128.load(at.get, 16 * half))),
        scores.plain ? [] : v128.store(at.get, value.get, 16 * half),
        largest[half].set(f32x4.pmax(largest[half].get, value.get)),
      ]),
    ),
    HALVES.map((half) => [
      factors[half].set(exp(f32x4.sub(v128.load(state.get, 16 * half), largest[half].get))),
      v128.store(state.get, largest[half].get, 16 * half),
      sums[half].set(f32x4.mul(v128.load(state.get, TERM_BYTES + 16 * half), factors[half].get)),
    ]),
    eachTerm(HALVES.map((half) => [
      value.set(exp(f32x4.sub(v128.load(at.get, 16 * half), largest[half].get))),
      v128.store(at.get, value.get, 16 * half),
      sums[half].set(f32x4.add(sums[half].get, value.get)),
    ])),
    HALVES.map((half) => v128.store(state.get, sums[half].get, TERM_BYTES + 16 * half)),
    scaleSum(strip, spec.valueWidth, factors.map((factor) => factor.get)),
  ];
}

function scaleSum(strip: Strip, length: number, factors: readonly Code[]): Code {
  const { f, at } = strip;
  const end = f.local("i32");
  return [
    at.set(strip.sum(0)),
    end.set(i32.add(at.get, i32.const(length * TERM_BYTES))),
    forEach(
      at,
      at.get,
      end.get,
      TERM_BYTES,
      factors.map((factor, half) => v128.store(at.get, f32x4.mul(v128.load(at.get, 16 * half), factor), 16 * half)),
    ),
  ];
}

function finish(strip: Strip, { rows, valueWidth, stats }: WasmAttentionForwardSpec): Code {
  const { f, lane, state, at } = strip;
  const reciprocals = f.locals("v128", 2);
  const store = (value: Code, half: number, column: number): Code =>
    [0, 1, 2, 3].map((l) => {
      const offset = ((4 * half + l) * stats.rowStride + column * stats.colStride) * 4;
      return control.if(
        i32.ltS(i32.add(lane.get, i32.const(4 * half + l)), i32.const(rows)),
        v128.store32Lane(at.get, value, l, offset),
      );
    });
  return [
    at.set(elementAddress(strip.matrix(stats), stats, lane.get)),
    HALVES.map((half) => [
      reciprocals[half].set(f32x4.div(splat(1), v128.load(state.get, STRIP * 4 + 16 * half))),
      store(v128.load(state.get, 16 * half), half, 0),
      store(reciprocals[half].get, half, 1),
    ]),
    scaleSum(strip, valueWidth, reciprocals.map((r) => r.get)),
  ];
}
