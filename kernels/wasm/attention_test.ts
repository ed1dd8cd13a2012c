import { assert, assertEquals } from "@std/assert";
import { generator, type RunOptions, runWasmKernel } from "./_run.ts";
import {
  i32,
  wasmAttentionForward,
  wasmAttentionKeyGrad,
  type WasmAttentionOperand,
  wasmAttentionQueryGrad,
} from "./mod.ts";

/** An attention with its data: strided matrices [length, columns], of all heads in one buffer each. */
interface Case {
  readonly sizes: readonly [batch: number, rows: number, keys: number, width: number, valueWidth: number];
  readonly causal?: boolean;
  readonly mask?: "add" | "bool" | "keys" | "queries";
  /** Features apart rather than rows. */
  readonly transposed?: boolean;
}

const SCALE = 0.4;

function setUp({ sizes: [batch, rows, keys, d, e], mask, transposed = false }: Case) {
  const random = generator(5);
  // Gaps between rows and matrices hold NaN: nothing may read them into a result
  const matrix = (buffer: number, length: number, columns: number) => {
    const [rowStride, colStride] = transposed ? [1, length + 3] : [columns + 1, 1];
    const size = transposed ? columns * colStride : length * rowStride;
    const operand: WasmAttentionOperand = {
      buffer,
      base: (z) => i32.add(i32.mul(z, i32.const(size + 2)), i32.const(1)),
      rowStride,
      colStride,
    };
    const at = (z: number, i: number, c: number) => z * (size + 2) + 1 + i * rowStride + c * colStride;
    const data = new Float32Array(batch * (size + 2) + 1).fill(NaN);
    return { operand, at, data, length, columns };
  };
  const filled = (buffer: number, length: number, columns: number) => {
    const made = matrix(buffer, length, columns);
    for (let z = 0; z < batch; z++) {
      for (let i = 0; i < length; i++) {
        for (let c = 0; c < columns; c++) made.data[made.at(z, i, c)] = 2 * random() - 1;
      }
    }
    return made;
  };
  const [q, k, v, g] = [filled(0, rows, d), filled(1, keys, d), filled(2, keys, e), filled(3, rows, e)];
  const bool = mask !== "add";
  const strides = { add: [keys, 1], bool: [keys, 1], keys: [0, 1], queries: [1, rows] }[mask ?? "add"];
  // The first row of the bool mask lets nothing through
  const values = Float32Array.from(
    { length: rows * keys },
    (_, i) => bool ? Number(random() < 0.7 && !(mask === "bool" && i < keys)) : 2 * random() - 1,
  );
  const maskAt = (i: number, j: number) => values[i * strides[0] + j * strides[1]];
  const maskData = bool ? Uint32Array.from(values) : values;
  const operand = { buffer: 4, base: () => i32.const(0), rowStride: strides[0], colStride: strides[1], bool };
  return { q, k, v, g, matrix, mask: mask && { operand, data: maskData, at: maskAt, bool } };
}

type Matrix = ReturnType<ReturnType<typeof setUp>["matrix"]>;

/** Attention and its gradients as plain loops in float64, each [batch, length, columns]. */
function reference({ sizes: [batch, rows, keys, d, e], causal }: Case, { q, k, v, g, mask }: ReturnType<typeof setUp>) {
  const result = {
    output: new Float64Array(batch * rows * e),
    stats: new Float64Array(batch * rows * 2),
    delta: new Float64Array(batch * rows),
    dq: new Float64Array(batch * rows * d),
    dk: new Float64Array(batch * keys * d),
    dv: new Float64Array(batch * keys * e),
  };
  const read = (m: Matrix, z: number, i: number, c: number) => m.data[m.at(z, i, c)];
  for (let z = 0; z < batch; z++) {
    for (let i = 0; i < rows; i++) {
      const row = z * rows + i;
      const scores = Array.from({ length: causal ? Math.min(keys, i + 1) : keys }, (_, j) => {
        let sum = 0;
        for (let c = 0; c < d; c++) sum += read(q, z, i, c) * read(k, z, j, c);
        if (mask?.bool) return mask.at(i, j) ? sum * SCALE : -1e30;
        return sum * SCALE + (mask?.at(i, j) ?? 0);
      });
      const top = Math.max(...scores);
      const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
      const p = scores.map((s) => Math.exp(s - top) / total);
      result.stats.set([top, 1 / total], row * 2);
      const dp = p.map((x, j) => {
        let sum = 0;
        for (let c = 0; c < e; c++) {
          result.output[row * e + c] += x * read(v, z, j, c);
          result.dv[(z * keys + j) * e + c] += x * read(g, z, i, c);
          sum += read(g, z, i, c) * read(v, z, j, c);
        }
        return sum;
      });
      result.delta[row] = p.reduce((sum, x, j) => sum + x * dp[j], 0);
      p.forEach((x, j) => {
        if (mask?.bool && !mask.at(i, j)) return;
        const ds = x * (dp[j] - result.delta[row]) * SCALE;
        for (let c = 0; c < d; c++) {
          result.dq[row * d + c] += ds * read(k, z, j, c);
          result.dk[(z * keys + j) * d + c] += ds * read(q, z, i, c);
        }
      });
    }
  }
  return result;
}

/** The results of the three kernels, as they lie, and where. */
function run(c: Case, data: ReturnType<typeof setUp>, relaxed: boolean, threads: number, options?: RunOptions) {
  const { sizes: [batch, rows, keys, width, valueWidth], causal = false } = c;
  const { q, k, v, g, matrix, mask } = data;
  const target = { relaxed, threads };
  const inputs = [q.data, k.data, v.data, g.data, mask?.data ?? 4];
  const common = {
    batch,
    rows,
    keys,
    width,
    valueWidth,
    q: q.operand,
    k: k.operand,
    v: v.operand,
    mask: mask?.operand,
    causal,
    scale: SCALE,
  };
  /** A result behind `start` in the last buffer. */
  const placed = (m: Matrix, start: number) => ({
    operand: {
      ...m.operand,
      base: (z: Parameters<WasmAttentionOperand["base"]>[0]) => i32.add(m.operand.base(z), i32.const(start)),
    },
    read: (all: Float32Array) => {
      const values: number[] = [];
      for (let z = 0; z < batch; z++) {
        for (let i = 0; i < m.length; i++) {
          for (let j = 0; j < m.columns; j++) values.push(all[start + m.at(z, i, j)]);
        }
      }
      return values;
    },
  });
  const output = matrix(5, rows, valueWidth);
  const result = placed(output, 0);
  const stats = placed(matrix(5, rows, 2), output.data.length);
  const forward = runWasmKernel(
    wasmAttentionForward({ ...common, output: result.operand, stats: stats.operand }, target),
    [...inputs, 4 * (output.data.length + matrix(5, rows, 2).data.length)],
    options,
  );
  const [o, gradients] = [result.read(forward), data.g];
  const delta = matrix(6, rows, 1);
  for (let z = 0; z < batch; z++) {
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < valueWidth; j++) {
        sum += o[(z * rows + i) * valueWidth + j] * gradients.data[gradients.at(z, i, j)];
      }
      delta.data[delta.at(z, i, 0)] = sum;
    }
  }
  const backward = { ...common, gradient: g.operand, stats: stats.operand, delta: delta.operand };
  const dq = placed(matrix(7, rows, width), 0);
  const queryGrad = runWasmKernel(
    wasmAttentionQueryGrad({ ...backward, queryGradient: dq.operand }, target),
    [...inputs, forward, delta.data, 4 * matrix(7, rows, width).data.length],
    options,
  );
  const size = matrix(7, keys, width).data.length;
  const [dk, dv] = [placed(matrix(7, keys, width), 0), placed(matrix(7, keys, valueWidth), size)];
  const keyGrad = runWasmKernel(
    wasmAttentionKeyGrad({ ...backward, keyGradient: dk.operand, valueGradient: dv.operand }, target),
    [...inputs, forward, delta.data, 4 * (size + matrix(7, keys, valueWidth).data.length)],
    options,
  );
  return {
    output: o,
    stats: stats.read(forward),
    dq: dq.read(queryGrad),
    dk: dk.read(keyGrad),
    dv: dv.read(keyGrad),
  };
}

/** Largest error, relative to an element, or to the root mean square or `least` where that is larger. */
function error(actual: readonly number[], expected: Float64Array, least: number): number {
  const rms = Math.sqrt(expected.reduce((sum, x) => sum + x * x, 0) / expected.length);
  assertEquals(actual.length, expected.length);
  return Math.max(...actual.map((a, i) => {
    if (Number.isNaN(a)) return Infinity;
    return a === expected[i] ? 0 : Math.abs(a - expected[i]) / Math.max(Math.abs(expected[i]), rms, least);
  }));
}

const CASES: Case[] = [
  { sizes: [2, 8, 16, 8, 8] },
  { sizes: [1, 1, 1, 1, 1] },
  { sizes: [2, 1, 130, 40, 3] },
  { sizes: [2, 101, 1, 7, 6] },
  { sizes: [3, 37, 41, 5, 12], causal: true },
  { sizes: [1, 70, 100, 33, 72], mask: "add" },
  { sizes: [2, 105, 203, 40, 40], mask: "bool" },
  { sizes: [1, 210, 107, 16, 20], causal: true, mask: "keys" },
  { sizes: [2, 203, 203, 12, 9], causal: true, transposed: true, mask: "queries" },
  { sizes: [1, 30, 99, 10, 14], transposed: true, mask: "keys" },
];

for (const relaxed of [false, true]) {
  for (const c of CASES) {
    const label = [c.sizes.join("x"), c.causal && "causal", c.mask && `mask ${c.mask}`, c.transposed && "transposed"];
    Deno.test(`attention ${label.filter(Boolean).join(", ")}, ${relaxed ? "relaxed" : "plain"}: all passes`, () => {
      const data = setUp(c);
      const expected = reference(c, data);
      const actual = run(c, data, relaxed, 1);
      for (const name of ["output", "stats", "dq", "dk", "dv"] as const) {
        // With one key what reaches queries and keys cancels altogether
        const e = error(actual[name], expected[name], c.sizes[2] === 1 ? 1 : 0);
        assert(e < 5e-6, `${name} has relative error ${e}`);
      }
    });
  }
}

Deno.test("attention has the same bits for any number of threads and order of tasks", () => {
  for (const c of [CASES[6], CASES[8]]) {
    const data = setUp(c);
    const expected = run(c, data, true, 1);
    assertEquals(run(c, data, true, 8, { shuffle: 3 }), expected);
    assertEquals(run(c, data, true, 3, { shuffle: 4 }), expected);
  }
});
