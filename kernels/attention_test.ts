import { assert } from "@std/assert";
import { error, noise, runKernel, subgroup } from "./_run.ts";
import type { AttentionSpec, MatrixView } from "./attention.ts";
import { attentionKeyGrad, attentionQueryGrad } from "./attention_backward.ts";
import { attentionForward } from "./attention_forward.ts";

/** Workgroup memory; registers, with subgroup operations (where the device has them) or without. */
type Variant = "gpu" | "subgroups" | "software";

/** Attention and its gradients as plain loops in float64, operands one head after another. */
function reference(
  [batch, rows, keys, d, e]: number[],
  [q, k, v, g]: Float32Array[],
  scale: number,
  causal: boolean,
) {
  const result = {
    output: new Float64Array(batch * rows * e),
    stats: new Float64Array(batch * rows * 2),
    delta: new Float64Array(batch * rows),
    dq: new Float64Array(q.length),
    dk: new Float64Array(k.length),
    dv: new Float64Array(v.length),
  };
  for (let z = 0; z < batch; z++) {
    for (let i = 0; i < rows; i++) {
      const row = z * rows + i;
      const key = (j: number) => z * keys + j;
      const scores = Array.from({ length: causal ? Math.min(keys, i + 1) : keys }, (_, j) => {
        let sum = 0;
        for (let c = 0; c < d; c++) sum += q[row * d + c] * k[key(j) * d + c];
        return sum * scale;
      });
      const top = Math.max(...scores);
      const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
      const p = scores.map((s) => Math.exp(s - top) / total);
      result.stats.set([top, 1 / total], row * 2);
      const dp = p.map((x, j) => {
        let sum = 0;
        for (let c = 0; c < e; c++) {
          result.output[row * e + c] += x * v[key(j) * e + c];
          result.dv[key(j) * e + c] += x * g[row * e + c];
          sum += g[row * e + c] * v[key(j) * e + c];
        }
        return sum;
      });
      result.delta[row] = p.reduce((sum, x, j) => sum + x * dp[j], 0);
      p.forEach((x, j) => {
        const ds = x * (dp[j] - result.delta[row]) * scale;
        for (let c = 0; c < d; c++) {
          result.dq[row * d + c] += ds * k[key(j) * d + c];
          result.dk[key(j) * d + c] += ds * q[row * d + c];
        }
      });
    }
  }
  return result;
}

/** Largest relative error of the three kernels. */
async function difference(variant: Variant, sizes: number[], causal: boolean): Promise<number> {
  const [batch, rows, keys, d, e] = sizes;
  const data = [
    noise(batch * rows * d, 1),
    noise(batch * keys * d, 2),
    noise(batch * keys * e, 3),
    noise(batch * rows * e, 4),
  ];
  const scale = 0.4;
  const expected = reference(sizes, data, scale, causal);
  const matrix = (name: string, length: number, columns: number, start = 0): MatrixView => ({
    name,
    base: (z) => `${start}u + ${z} * ${length * columns}u`,
    rowStride: columns,
    colStride: 1,
  });
  const spec = (names: string[]) => ({
    batch,
    rows,
    keys,
    width: d,
    valueWidth: e,
    q: matrix("q", rows, d),
    k: matrix("k", keys, d),
    v: matrix("v", keys, e),
    causal,
    scale,
    target: variant === "gpu" ? "gpu" : "software",
    declarations: [...names, "result"].map((name, i) =>
      `@group(0) @binding(${i}) var<storage, ${name === "result" ? "read_write" : "read"}> ${name}: array<f32>;`
    ).join("\n"),
  } satisfies Omit<AttentionSpec, "stats">);
  const lanes = variant === "subgroups" ? { subgroup: await subgroup() } : {};
  const size = batch * rows * e;
  const forward = attentionForward({
    ...spec(["q", "k", "v"]),
    ...lanes,
    output: matrix("result", rows, e),
    stats: matrix("result", rows, 2, size),
  });
  const output = await runKernel(forward, data.slice(0, 3), size + 2 * batch * rows);
  const inputs = [...data, new Float32Array(expected.stats), new Float32Array(expected.delta)];
  const backward = {
    ...spec(["q", "k", "v", "g", "stats", "delta"]),
    ...lanes,
    gradient: matrix("g", rows, e),
    stats: matrix("stats", rows, 2),
    delta: matrix("delta", rows, 1),
  };
  const dq = await runKernel(
    attentionQueryGrad({ ...backward, queryGradient: matrix("result", rows, d) }),
    inputs,
    batch * rows * d,
  );
  const keyGrad = attentionKeyGrad({
    ...backward,
    keyGradient: matrix("result", keys, d),
    valueGradient: matrix("result", keys, e, batch * keys * d),
  });
  const others = await runKernel(keyGrad, inputs, batch * keys * (d + e));
  return Math.max(
    error(output.subarray(0, size), expected.output),
    error(output.subarray(size), expected.stats),
    error(dq, expected.dq),
    error(others.subarray(0, batch * keys * d), expected.dk),
    error(others.subarray(batch * keys * d), expected.dv),
  );
}

/** Attentions, queries, keys, features of queries, features of values. */
const SIZES = [[2, 8, 16, 8, 8], [3, 37, 41, 5, 12], [1, 70, 100, 33, 20], [9, 65, 33, 16, 16]];

for (const variant of ["subgroups", "software", "gpu"] as const) {
  // The software driver takes seconds to compile the workgroup-memory variant, so it gets fewer shapes
  for (const size of variant === "gpu" ? SIZES.slice(1, 2) : SIZES) {
    for (const causal of [false, true]) {
      Deno.test(`attention ${variant} ${size.join("x")}${causal ? " causal" : ""}, forward and backward`, async () => {
        const e = await difference(variant, size, causal);
        assert(e < 5e-6, `relative error ${e}`);
      });
    }
  }
}
