/**
 * Matrix products and convolutions at the sizes of a small transformer and a small U-Net, against the plain loop.
 *
 *     deno bench bench/matmul_bench.ts
 *
 * Each iteration submits `REPEATS` products and waits for the device, which takes about 11 ms in Deno whatever the work.
 * The GFLOP/s printed first, for the kernels that the adapter gets, leave that out.
 *
 * @module
 */

import { noise, prepare, type Prepared, subgroup } from "../kernels/_run.ts";
import { conv2d, type ConvSpec, type Kernel, matmul, type MatmulOperand } from "../kernels/mod.ts";

const REPEATS = 4;
const WAIT_MS = 11;

const DECLARATIONS = `@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;`;
const store = (index: string, value: string) => `c[${index}] = ${value};`;
const lanes = await subgroup();
const target = (await navigator.gpu.requestAdapter())?.info.description.includes("llvmpipe") ? "software" : "gpu";

/** A row-major matrix, or the transpose of one. */
function operand(name: string, rows: number, columns: number, transposed: boolean): MatmulOperand {
  const strides = transposed ? { rowStride: 1, colStride: rows } : { rowStride: columns, colStride: 1 };
  return { name, base: (z) => `${z} * ${rows * columns}u`, ...strides };
}

/** One invocation for each element. */
function plain(batch: number, m: number, n: number, k: number, a: MatmulOperand, b: MatmulOperand): Kernel {
  return {
    workgroups: [Math.ceil(batch * m * n / 64), 1, 1],
    code: `${DECLARATIONS}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let z = id.x / ${m * n}u; let row = id.x / ${n}u % ${m}u; let column = id.x % ${n}u;
  if (z >= ${batch}u) { return; }
  var sum = 0.0;
  for (var k = 0u; k < ${k}u; k++) {
    sum += a[${a.base("z")} + row * ${a.rowStride}u + k * ${a.colStride}u] *
      b[${b.base("z")} + k * ${b.rowStride}u + column * ${b.colStride}u];
  }
  c[id.x] = sum;
}`,
  };
}

async function measure(name: string, gflop: number, work: Prepared): Promise<void> {
  await work.run();
  const once = Math.max(1, await work.run() - WAIT_MS);
  const times = Math.max(REPEATS, Math.ceil(100 / once));
  const best = Math.min(...[await work.run(times), await work.run(times), await work.run(times)]) - WAIT_MS;
  console.log(`${name.padEnd(44)} ${(gflop * times / best * 1000).toFixed(1).padStart(6)} GFLOP/s`);
}

/** Name, products, rows, columns, terms, which factors lie transposed in memory. */
const PRODUCTS: [string, number, number, number, number, boolean, boolean][] = [
  ["linear forward", 1, 2048, 256, 256, false, true],
  ["linear input gradient", 1, 2048, 256, 256, false, false],
  ["linear weight gradient", 1, 256, 256, 2048, true, false],
  ["attention scores", 256, 64, 64, 32, false, true],
];

for (const [name, batch, m, n, k, ta, tb] of PRODUCTS) {
  const [a, b] = [operand("a", m, k, ta), operand("b", k, n, tb)];
  const inputs = [noise(batch * m * k, 1), noise(batch * k * n, 2)];
  const spec = { batch, m, n, k, a, b, declarations: DECLARATIONS, store, target, subgroup: lanes } as const;
  const ours = await prepare(matmul(spec), inputs, batch * m * n);
  const naive = await prepare(plain(batch, m, n, k, a, b), inputs, batch * m * n);
  const group = `${name} ${batch}x${m}x${n}x${k}`;
  await measure(group, 2e-9 * batch * m * n * k, ours);
  Deno.bench(`${group}, plain loop`, { group, n: 3, warmup: 1, baseline: true }, async () => {
    await naive.run(REPEATS);
  });
  Deno.bench(group, { group, n: 3, warmup: 1 }, async () => {
    await ours.run(REPEATS);
  });
}

for (const pass of ["forward", "inputGrad", "weightGrad"] as const) {
  const [images, channels, side] = [16, 64, 32];
  const pixels = images * channels * side * side;
  const weights = channels * channels * 9;
  const spec: ConvSpec = {
    pass,
    geometry: {
      input: [images, channels, side, side],
      weight: [channels, channels, 3, 3],
      output: [images, channels, side, side],
      stride: [1, 1],
      padding: [1, 1],
      dilation: [1, 1],
      groups: 1,
    },
    operands: { first: { name: "a" }, second: { name: "b" } },
    declarations: DECLARATIONS,
    store,
    target,
    subgroup: lanes,
  };
  const [second, result] = pass === "weightGrad" ? [pixels, weights] : [weights, pixels];
  const ours = await prepare(conv2d(spec), [noise(pixels, 1), noise(second, 2)], result);
  const name = `conv2d 3x3 ${pass} ${images}x${channels}x${side}x${side}`;
  await measure(name, 2e-9 * pixels * channels * 9, ours);
  Deno.bench(name, { group: "conv2d", n: 3, warmup: 1 }, async () => {
    await ours.run(REPEATS);
  });
}
